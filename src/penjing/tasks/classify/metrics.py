"""How good class probabilities are: metrics by name, a person's own, and the confusion matrix.

Definitions agree with scikit-learn's, which the tests compare them with. The calibration error follows C. Guo et al.
(2017), "On calibration of modern neural networks", with bins of equal mass instead of equal width, so no bin is empty.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from penjing.core.statistics import Metric
from penjing.tasks._own_metric import Own, find_metric
from penjing.tasks._thresholds import Threshold, predict

BINS = 15
LEAST_ITEMS_A_BIN = 10
LEAST_PROBABILITY = float(np.finfo(np.float64).eps)
CALLED_WITH = "truth Int[items] and probability Float[items, classes]"


@dataclass(frozen=True)
class Counts:
    """What metrics of decisions need to know: Int[items] truth and predicted, and the number of classes."""

    truth: np.ndarray
    predicted: np.ndarray
    classes: int


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability diagram: how sure its items were on average, how often right, and how many they are."""

    confidence: float
    accuracy: float
    items: float


def metric(given: str | Own, threshold: Threshold | None = None) -> Metric:
    """A metric by name, or a person's own.

    Args:
        given: "accuracy", "balanced_accuracy", "macro_f1", "log_loss", "brier", "calibration_error", or an own function
            `metric(truth Int[items], probability Float[items, classes]) -> float`, as such or as "module:function"
            or "file.py:function". More is better unless the function has an attribute `is_higher_better = False`.
        threshold: where two classes are told apart by something else than the greater probability.

    Raises:
        UsageError: there is no such metric, or the own function cannot be loaded.

    Example:
        >>> metric("accuracy")(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]))
        0.5
    """
    return find_metric(given, METRICS, threshold, CALLED_WITH)


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Int[classes, classes]: how many items of each class (row) were taken for each class (column)."""
    pairs = np.asarray(truth, dtype=np.int64) * classes + predicted
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def reliability(truth: np.ndarray, probability: np.ndarray) -> list[Bin]:
    """The bars of a reliability diagram, least sure first; the same bins as in the calibration error."""
    confidence, accuracy, mass = _bins(_prepare_bins(truth, probability), np.ones(len(truth)))
    bars = zip(confidence.tolist(), accuracy.tolist(), mass.tolist(), strict=True)
    return [Bin(sure, right, items) for sure, right, items in bars if items > 0]


def _accuracy(threshold: Threshold | None) -> Metric:
    def right(truth: np.ndarray, probability: np.ndarray) -> np.ndarray:
        return (predict(probability, threshold) == truth).astype(np.float64)

    return Metric("accuracy", right, _mean, share=lambda right: right)


def _balanced_accuracy(threshold: Threshold | None) -> Metric:
    def mean_recall(counts: Counts, weight: np.ndarray) -> float:
        hits, true, _ = _sums(counts, weight)
        is_there = true > 0
        return float((hits[is_there] / true[is_there]).mean())

    return Metric("balanced_accuracy", _counts(threshold), mean_recall, per_class=True)


def _macro_f1(threshold: Threshold | None) -> Metric:
    def mean_f1(counts: Counts, weight: np.ndarray) -> float:
        hits, true, taken = _sums(counts, weight)
        either = true + taken
        is_there = either > 0
        return float((2 * hits[is_there] / either[is_there]).mean())

    return Metric("macro_f1", _counts(threshold), mean_f1, per_class=True)


def _log_loss(threshold: Threshold | None) -> Metric:  # noqa: ARG001 - every metric is made the same way
    return Metric("log_loss", item_log_losses, _mean, False, (0.0, -math.log(LEAST_PROBABILITY)))


def item_log_losses(truth: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Float[items]: minus the logarithm of the true class's probability, at most −log `LEAST_PROBABILITY`."""
    given = probability[np.arange(len(truth)), truth].astype(np.float64)
    return -np.log(np.clip(given, LEAST_PROBABILITY, 1.0))


def _brier(threshold: Threshold | None) -> Metric:  # noqa: ARG001
    def errors(truth: np.ndarray, probability: np.ndarray) -> np.ndarray:
        squares = np.square(probability, dtype=np.float64).sum(axis=1)
        return squares - 2 * probability[np.arange(len(truth)), truth] + 1

    return Metric("brier", errors, _mean, False, (0.0, 2.0))


def _calibration_error(threshold: Threshold | None) -> Metric:  # noqa: ARG001
    def error(prepared: tuple[np.ndarray, np.ndarray, np.ndarray], weight: np.ndarray) -> float:
        confidence, accuracy, mass = _bins(prepared, weight)
        return float((mass * np.abs(confidence - accuracy)).sum() / mass.sum())

    return Metric("calibration_error", _prepare_bins, error, False)


METRICS: dict[str, Callable[[Threshold | None], Metric]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "macro_f1": _macro_f1,
    "log_loss": _log_loss,
    "brier": _brier,
    "calibration_error": _calibration_error,
}


def _mean(values: np.ndarray, weight: np.ndarray) -> float:
    return float(values @ weight / weight.sum())


def _counts(threshold: Threshold | None) -> Callable[[np.ndarray, np.ndarray], Counts]:
    return lambda truth, probability: Counts(truth, predict(probability, threshold), probability.shape[1])


def _sums(counts: Counts, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Float[classes] three times: items found right, items of each class, items taken for each class.

    The margins of the confusion matrix are enough, and a thousand classes cost no more than ten.
    """
    right = counts.predicted == counts.truth
    hits = np.bincount(counts.truth, weights=weight * right, minlength=counts.classes)
    true = np.bincount(counts.truth, weights=weight, minlength=counts.classes)
    taken = np.bincount(counts.predicted, weights=weight, minlength=counts.classes)
    return hits, true, taken


def _prepare_bins(truth: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct confidences in order, which of them each item has, and whether each item is right.

    Items equally sure share a bin; else the error would depend on the order of the items.
    """
    levels, level_of_item = np.unique(probability.max(axis=1).astype(np.float64), return_inverse=True)
    return levels, level_of_item, (probability.argmax(axis=1) == truth).astype(np.float64)


def _bins(
    prepared: tuple[np.ndarray, np.ndarray, np.ndarray], weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Float[bins] three times: mean confidence, accuracy and mass of each bin of equal mass."""
    levels, level_of_item, right = prepared
    bins = max(1, min(BINS, len(right) // LEAST_ITEMS_A_BIN))
    mass = np.bincount(level_of_item, weights=weight, minlength=len(levels))
    hits = np.bincount(level_of_item, weights=weight * right, minlength=len(levels))
    middle = np.cumsum(mass) - mass / 2
    bin_of_level = np.minimum((bins * middle / mass.sum()).astype(np.int64), bins - 1)
    mass_of_bin = np.bincount(bin_of_level, weights=mass, minlength=bins)
    safe = np.where(mass_of_bin > 0, mass_of_bin, 1.0)
    confidence = np.bincount(bin_of_level, weights=mass * levels, minlength=bins) / safe
    return confidence, np.bincount(bin_of_level, weights=hits, minlength=bins) / safe, mass_of_bin
