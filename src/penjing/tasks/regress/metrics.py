"""How good numbers are: metrics by name or a person's own; the tests hold them to scikit-learn's."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penjing.core.statistics import Metric
from penjing.tasks._own_metric import Own, find_metric

CALLED_WITH = "truth Float[items] and answer Float[items, 1]"


def metric(given: str | Own, threshold: Any = None) -> Metric:
    """A metric by name, or a person's own.

    Args:
        given: a name in `METRICS`, or an own function `metric(truth Float[items], answer Float[items, 1]) -> float`, as
            such or as "module:function" or "file.py:function". More is better unless the function has an attribute
            `is_higher_better = False`.
        threshold: unused; tasks that tell classes apart have one.

    Raises:
        UsageError: there is no such metric, or the own function cannot be loaded.

    Example:
        >>> metric("mae")(np.array([1.0, 2.0]), np.array([[1.5], [2.0]]))
        0.25
    """
    return find_metric(given, METRICS, threshold, CALLED_WITH)


def errors(truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Float64[items]: answer − truth."""
    return np.asarray(answer, dtype=np.float64)[:, 0] - np.asarray(truth, dtype=np.float64)


def _r2(_: Any) -> Metric:
    def prepare(truth: np.ndarray, answer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(truth, dtype=np.float64), np.square(errors(truth, answer))

    def explained(prepared: tuple[np.ndarray, np.ndarray], weight: np.ndarray) -> float:
        truth, squares = prepared
        spread = np.square(truth - _mean(truth, weight)) @ weight
        if not np.ptp(truth[weight > 0]):
            # Nothing varies that could be explained. Of the items themselves scikit-learn says the same; a resample in
            # which they are all alike tells nothing of them.
            return float(squares @ weight == 0) if (weight == 1).all() else math.nan
        return float(1 - squares @ weight / spread)

    return Metric("r2", prepare, explained, True, (-math.inf, 1.0))


def _mae(_: Any) -> Metric:
    return Metric("mae", lambda truth, answer: np.abs(errors(truth, answer)), _mean, False, (0.0, math.inf))


def _rmse(_: Any) -> Metric:
    def root(squares: np.ndarray, weight: np.ndarray) -> float:
        return math.sqrt(_mean(squares, weight))

    return Metric("rmse", lambda truth, answer: np.square(errors(truth, answer)), root, False, (0.0, math.inf))


def _mean(values: np.ndarray, weight: np.ndarray) -> float:
    return float(values @ weight / weight.sum())


METRICS: dict[str, Callable[[Any], Metric]] = {"r2": _r2, "mae": _mae, "rmse": _rmse}
