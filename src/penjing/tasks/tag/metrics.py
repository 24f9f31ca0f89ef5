"""How good probabilities of labels are: metrics by name or a person's own; the tests hold them to scikit-learn's."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penjing.core.statistics import Metric
from penjing.tasks._own_metric import Own, find_metric
from penjing.tasks.tag.thresholds import Threshold, predict

CALLED_WITH = "truth Int[items, labels] and answer Float[items, labels]"
LEAST_PROBABILITY = float(np.finfo(np.float64).eps)


def metric(given: str | Own, threshold: Threshold | None = None) -> Metric:
    """A metric by name, or a person's own.

    Args:
        given: a name in `METRICS`, or an own function `metric(truth Int[items, labels], answer Float[items, labels]) ->
            float`, as such or as "module:function" or "file.py:function". More is better unless the function has an
            attribute `is_higher_better = False`.
        threshold: from which probability on an item is taken to have each label; None takes one half.

    Raises:
        UsageError: there is no such metric, or the own function cannot be loaded.

    Example:
        >>> metric("subset_accuracy")(np.array([[1, 0], [1, 1]]), np.array([[0.9, 0.1], [0.8, 0.2]]))
        0.5
    """
    return find_metric(given, METRICS, threshold, CALLED_WITH)


def item_losses(truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Float32[items]: the log loss of each item's labels, their mean."""
    given = np.where(truth > 0, answer, 1 - answer.astype(np.float64))
    losses: np.ndarray = -np.log(np.clip(given, LEAST_PROBABILITY, 1.0)).mean(axis=1)
    return losses.astype(np.float32)


def _macro_f1(threshold: Threshold | None) -> Metric:
    """The mean over labels of 2 · hits / (true + taken); a label that nobody has and nobody is given does not count.
    See `_of_nothing` for items where none counts."""

    def mean_f1(prepared: tuple[np.ndarray, ...], weight: np.ndarray) -> float:
        hits, either = _sums(prepared, weight)
        is_there = either > 0
        if not is_there.any():
            return _of_nothing(is_resample=bool(prepared[1].any()))
        return float((2 * hits[is_there] / either[is_there]).mean())

    return Metric("macro_f1", _decided(threshold), mean_f1)


def _micro_f1(threshold: Threshold | None) -> Metric:
    def f1(prepared: tuple[np.ndarray, ...], weight: np.ndarray) -> float:
        hits, either = _sums(prepared, weight)
        if either.sum() <= 0:
            return _of_nothing(is_resample=bool(prepared[1].any()))
        return float(2 * hits.sum() / either.sum())

    return Metric("micro_f1", _decided(threshold), f1)


def _subset_accuracy(threshold: Threshold | None) -> Metric:
    def right(truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
        return (predict(answer, threshold) == (truth > 0)).all(axis=1).astype(np.float64)

    return Metric("subset_accuracy", right, _mean, share=lambda right: right)


def _mean_average_precision(_: Threshold | None) -> Metric:
    """The mean over labels of Σ (Rᵢ − Rᵢ₋₁) Pᵢ, over the labels that somebody has."""

    def prepare(truth: np.ndarray, answer: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        return [_ranked(truth[:, label] > 0, answer[:, label]) for label in range(truth.shape[1])]

    def mean_precision(prepared: list[tuple[np.ndarray, np.ndarray, np.ndarray]], weight: np.ndarray) -> float:
        found = [_average_precision(*one, weight) for one in prepared]
        found = [one for one in found if not math.isnan(one)]
        if not found:
            return _of_nothing(is_resample=any(has.any() for _, has, _ in prepared))
        return float(np.mean(found))

    return Metric("mean_average_precision", prepare, mean_precision)


def _of_nothing(*, is_resample: bool) -> float:
    """What a metric is on items none of which has a label or is given one: 0, as scikit-learn has it. Where only those
    that a resample drew are such items, it is not a number, and the interval leaves that resample out.

    Args:
        is_resample: whether others have a label or are given one.
    """
    return math.nan if is_resample else 0.0


def _log_loss(_: Threshold | None) -> Metric:
    return Metric("log_loss", item_losses, _mean, False, (0.0, -math.log(LEAST_PROBABILITY)))


METRICS: dict[str, Callable[[Any], Metric]] = {
    "macro_f1": _macro_f1,
    "micro_f1": _micro_f1,
    "subset_accuracy": _subset_accuracy,
    "mean_average_precision": _mean_average_precision,
    "log_loss": _log_loss,
}


def _mean(values: np.ndarray, weight: np.ndarray) -> float:
    return float(values @ weight / weight.sum())


def _decided(threshold: Threshold | None) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, ...]]:
    def decide(truth: np.ndarray, answer: np.ndarray) -> tuple[np.ndarray, ...]:
        has, taken = truth > 0, predict(answer, threshold)
        return (has & taken).astype(np.float64), has.astype(np.float64) + taken

    return decide


def _sums(prepared: tuple[np.ndarray, ...], weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Float[labels] twice: items rightly given a label; items that have it plus items that are given it."""
    hits, either = prepared
    return weight @ hits, weight @ either


def _ranked(has: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The items from the most probable on, which of them have the label, and where runs of equals end."""
    order = np.argsort(-probability, kind="stable")
    ends = np.append(np.diff(probability[order]) != 0, True)
    return order, has[order].astype(np.float64), np.flatnonzero(ends)


def _average_precision(order: np.ndarray, has: np.ndarray, ends: np.ndarray, weight: np.ndarray) -> float:
    """Not a number where no item that counts has the label."""
    ranked = weight[order]
    hits, seen = np.cumsum(ranked * has)[ends], np.cumsum(ranked)[ends]
    if hits[-1] == 0:
        return math.nan
    return float(np.diff(hits, prepend=0.0) @ (hits / np.maximum(seen, 1e-12)) / hits[-1])
