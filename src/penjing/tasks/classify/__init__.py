"""Which class an item belongs to, with a probability for each class.

This half needs no torch: settings, metrics, thresholds and calibration. Loss and head are in `head.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from penjing.core import statistics
from penjing.core.errors import UsageError, did_you_mean
from penjing.core.score import Score
from penjing.tasks.classify.calibration import learn_temperature, softmax
from penjing.tasks.classify.metrics import (
    METRICS,
    Bin,
    Own,
    confusion,
    is_better,
    item_log_losses,
    metric,
    reliability,
)
from penjing.tasks.classify.thresholds import Threshold, check_rule, choose_threshold, decode, predict

__all__ = [
    "CLASS_WEIGHTS",
    "LOSSES",
    "METRICS",
    "Bin",
    "Settings",
    "Threshold",
    "check_settings",
    "choose_threshold",
    "confusion",
    "decode",
    "is_better",
    "item_log_losses",
    "learn_temperature",
    "metric",
    "predict",
    "reliability",
    "score",
    "softmax",
    "weigh_classes",
]

LOSSES = ("cross_entropy", "binary_cross_entropy", "mean_squared_error")
CLASS_WEIGHTS = ("none", "balanced")


@dataclass(frozen=True)
class Settings:
    """How classes are learned and judged.

    Attributes:
        loss: one of `LOSSES`.
        label_smoothing: share of the truth spread evenly over all classes, 0 to below 1.
        class_weights: "balanced" lets every class weigh the same in the loss, however few items it has; or "none".
        metric: what validation chooses by: a name in `METRICS`, or an own function as "file.py:function".
        threshold: for two classes, the rule that chooses the threshold ("f1", "cost:5:1"), or "none".
        positive: for a threshold, the class that is looked for; "" means the rarer one.
    """

    loss: str = "cross_entropy"
    label_smoothing: float = 0.0
    class_weights: str = "none"
    metric: str = "accuracy"
    threshold: str = "none"
    positive: str = ""


def check_settings(settings: Settings, classes: Sequence[str]) -> None:
    """Say what is wrong with the settings before any time is spent on them.

    Raises:
        UsageError: a name does not exist, a number is out of its range, or a threshold does not fit the classes.
    """
    if settings.loss not in LOSSES:
        raise UsageError(f'there is no loss "{settings.loss}"; {did_you_mean(settings.loss, LOSSES)}')
    if settings.class_weights not in CLASS_WEIGHTS:
        hint = did_you_mean(settings.class_weights, CLASS_WEIGHTS)
        raise UsageError(f'there are no class weights "{settings.class_weights}"; {hint}')
    if not 0 <= settings.label_smoothing < 1:
        raise UsageError(f"label_smoothing is a share from 0 to below 1, not {settings.label_smoothing}")
    metric(settings.metric)
    if settings.threshold == "none":
        return
    check_rule(settings.threshold)
    # Without items the choice is idle; what it checks is that classes and name fit.
    choose_threshold(np.zeros((0, 2)), np.zeros(0, dtype=np.int64), settings.threshold, classes, settings.positive)


def score(
    given: str | Own,
    truth: np.ndarray,
    probability: np.ndarray,
    *,
    part: str,
    groups: Sequence[object] | np.ndarray | None = None,
    threshold: Threshold | None = None,
    seed: int = 0,
) -> Score:
    """A metric by name, with its 95 % interval. See `metric` and `penjing.core.statistics.score`."""
    found = metric(given, threshold)
    return statistics.score(found, truth, probability, part=part, groups=groups, seed=seed)


def weigh_classes(counts: Sequence[int] | np.ndarray, how: str) -> np.ndarray:
    """Float32[classes]: how much an item of each class counts.

    Args:
        counts: training items of each class.
        how: one of `CLASS_WEIGHTS`. "balanced" is items / (classes · items of the class), over classes that have items;
            a class without any weighs 0.
    """
    if how == "none":
        return np.ones(len(counts), dtype=np.float32)
    found = np.asarray(counts, dtype=np.float64)
    is_there = found > 0
    weights = np.zeros(len(found))
    weights[is_there] = found.sum() / (is_there.sum() * found[is_there])
    return weights.astype(np.float32)
