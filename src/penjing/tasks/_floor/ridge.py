"""Ridge regression of a number, or of its logarithm, on standardised features or on weighted counts of words.

Source: A. Hoerl and R. Kennard (1970), "Ridge regression: biased estimation for nonorthogonal problems".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penjing.tasks._floor.linear import filled, standardiser
from penjing.tasks._floor.text import rarity, weighted

REACH = 0.5  # of the range of training targets: an answer is cut so far beyond it


@dataclass(frozen=True)
class Target:
    """How a number is learned: as it is, or as log(number + offset), and between which bounds answers are.

    Attributes:
        is_log: whether the logarithm is learned.
        offset: what is added before it.
        bounds: Float64[2], the least and the greatest answer.
    """

    is_log: bool
    offset: float
    bounds: np.ndarray

    @staticmethod
    def learn(y: np.ndarray, transform: str) -> Target:
        values = y.astype(np.float64)
        low, high = float(values.min()), float(values.max())
        room = REACH * (high - low)
        is_log = transform == "log"
        offset = float(values[values > 0].min()) if is_log and low <= 0 else 0.0
        return Target(is_log, offset, np.array([max(low - room, 0.0) if is_log else low - room, high + room]))

    def forth(self, y: np.ndarray) -> np.ndarray:
        """Float64[items]: what is learned of some numbers."""
        values = y.astype(np.float64)
        return np.log(np.maximum(values, 0) + self.offset) if self.is_log else values

    def back(self, learned: np.ndarray) -> np.ndarray:
        """Float32[items, 1]: the numbers."""
        values = np.exp(np.minimum(learned, 700.0)) - self.offset if self.is_log else learned
        return np.clip(values, *self.bounds).astype(np.float32)[:, None]


@dataclass(frozen=True)
class Ridge:
    """A fitted ridge regression of features.

    Attributes:
        mean: Float[features], what is taken away from each feature; scale: what each is then divided by.
        coefficients: Float64[features + 1], the intercept last.
        scales: Float64[4]: whether a logarithm was learned, its offset, and the bounds of answers.
    """

    mean: np.ndarray
    scale: np.ndarray
    coefficients: np.ndarray
    scales: np.ndarray

    def predict(self, features: Any) -> np.ndarray:
        """Float32[items, 1]."""
        x = (filled(features.dense, self.mean) - self.mean) / self.scale
        return _target(self.scales).back(x @ self.coefficients[:-1] + self.coefficients[-1])


@dataclass(frozen=True)
class TextRidge:
    """A fitted ridge regression of counts; `columns` and `idf` as in `TextLinear`, the rest as in `Ridge`."""

    columns: np.ndarray
    idf: np.ndarray
    coefficients: np.ndarray
    scales: np.ndarray

    def predict(self, counts: Any) -> np.ndarray:
        """Float32[items, 1]."""
        learned = weighted(counts, self.columns, self.idf) @ self.coefficients[:-1] + self.coefficients[-1]
        return _target(self.scales).back(np.asarray(learned, dtype=np.float64))


def fit_ridge(features: np.ndarray, y: np.ndarray, settings: Mapping[str, Any]) -> Ridge:
    """Ridge regression, solved in as many unknowns as there are features, or items where those are fewer.

    Args:
        features: Float32[items, features], missing ones not numbers.
        y: Float[items].
        settings: `penalty`, for a mean squared error of targets with variance 1; `transform`, "none" or "log".
    """
    mean, scale = standardiser(features)
    x = ((filled(features, mean) - mean) / scale).astype(np.float64)
    target = Target.learn(y, settings["transform"])
    values = target.forth(y)
    middle = values.mean()
    penalty = settings["penalty"] * len(y)
    if x.shape[1] <= len(x):
        gram = x.T @ x
        gram[np.diag_indices_from(gram)] += penalty
        slopes = np.linalg.solve(gram, x.T @ (values - middle))
    else:
        gram = x @ x.T
        gram[np.diag_indices_from(gram)] += penalty
        slopes = x.T @ np.linalg.solve(gram, values - middle)
    return Ridge(mean, scale, np.append(slopes, middle), _flat(target))


def fit_text_ridge(counts: Any, y: np.ndarray, settings: Mapping[str, Any]) -> TextRidge:
    """Ridge regression on TF-IDF.

    Args:
        settings: `text_penalty`; `transform`, "none" or "log".
    """
    from sklearn.linear_model import Ridge as Solver

    columns, idf = rarity(counts)
    target = Target.learn(y, settings["transform"])
    values = target.forth(y)
    model = Solver(alpha=settings["text_penalty"], solver="sparse_cg", tol=1e-3)
    model.fit(weighted(counts, columns, idf).astype(np.float64), values - values.mean())
    return TextRidge(columns, idf, np.append(model.coef_, model.intercept_ + values.mean()), _flat(target))


def _flat(target: Target) -> np.ndarray:
    return np.array([target.is_log, target.offset, *target.bounds], dtype=np.float64)


def _target(scales: np.ndarray) -> Target:
    return Target(bool(scales[0]), float(scales[1]), scales[2:])
