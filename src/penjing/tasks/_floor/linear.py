"""Logistic regression on standardised features, stopped by the clock where it must be."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penjing.tasks._floor.features import Given, as_features
from penjing.tasks._floor.stopping import look

CHUNK = 20  # iterations between two looks at the clock
MOST_ITERATIONS = 200
LEAST_SCALE = 1e-6  # a feature that hardly varies is left alone instead of blown up


@dataclass(frozen=True)
class Linear:
    """A fitted linear model.

    Attributes:
        mean: Float[features], what is taken away from each feature.
        scale: Float[features], what each is then divided by.
        coefficients: Float[classes, features].
        intercept: Float[classes]; −inf for a class that was not there to learn.
    """

    mean: np.ndarray
    scale: np.ndarray
    coefficients: np.ndarray
    intercept: np.ndarray

    def predict(self, features: Given) -> np.ndarray:
        """Float32[items, classes]: the probability of each class for the dense ones of some `Features`."""
        known = filled(as_features(features).dense, self.mean)
        # Two small products instead of a standardised copy of all features.
        sloped = self.coefficients / self.scale
        logits = known @ sloped.T + (self.intercept - sloped @ self.mean)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        found: np.ndarray = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
        return found


def standardiser(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Float32[features] twice: the mean and the standard deviation of each feature, missing values aside."""
    missing = np.isnan(features)
    if missing.any():
        present = np.maximum((~missing).sum(axis=0), 1)
        mean = (np.where(missing, 0, features).sum(axis=0) / present).astype(np.float32)
        scale = np.sqrt(np.where(missing, 0, np.square(features - mean)).sum(axis=0) / present)
    else:
        mean, scale = features.mean(axis=0), features.std(axis=0)
    return mean, np.where(scale > LEAST_SCALE, scale, 1.0).astype(np.float32)


def filled(features: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Float32[items, features] with the mean where a value is missing."""
    missing = np.isnan(features)
    return np.where(missing, mean, features) if missing.any() else features


def fit_linear(
    features: np.ndarray, y: np.ndarray, classes: int, settings: Mapping[str, Any], deadline: float
) -> tuple[Linear, int]:
    """A linear model and how many iterations it took.

    Args:
        features: Float32[items, features], as they are, missing ones not numbers.
        y: Int[items], of at least two classes.
        settings: `strength` (the C of scikit-learn: the greater, the less regularised), `class_weight` ("none" or
            "balanced"), `most_iterations`.
        deadline: on the clock of `time.monotonic`; the first chunk is always finished.
    """
    from sklearn.linear_model import LogisticRegression

    mean, scale = standardiser(features)
    x = (filled(features, mean) - mean) / scale
    chunk = min(CHUNK, settings["most_iterations"])
    model = LogisticRegression(
        C=settings["strength"], class_weight=_given(settings["class_weight"]), max_iter=chunk, warm_start=True
    )
    done = 0
    while done < settings["most_iterations"]:
        look()
        started = time.monotonic()
        model.fit(x, y)
        done += chunk
        took = time.monotonic() - started
        if model.n_iter_.max() < chunk or time.monotonic() + took > deadline:
            break
    return _read(model, mean, scale, classes), done


def _read(model: Any, mean: np.ndarray, scale: np.ndarray, classes: int) -> Linear:
    """The fitted numbers, one row a class, whatever classes scikit-learn met."""
    is_two = len(model.classes_) == 2
    rows = np.concatenate([np.zeros_like(model.coef_), model.coef_]) if is_two else model.coef_
    offsets = np.concatenate([[0.0], model.intercept_]) if is_two else model.intercept_
    coefficients = np.zeros((classes, rows.shape[1]), dtype=np.float32)
    intercept = np.full(classes, -np.inf, dtype=np.float32)
    coefficients[model.classes_], intercept[model.classes_] = rows, offsets
    return Linear(mean, scale, coefficients, intercept)


def _given(class_weight: str) -> str | None:
    return None if class_weight == "none" else class_weight
