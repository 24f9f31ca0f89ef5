"""Which class an item belongs to, with a probability for each class.

This half needs no torch: settings, metrics, thresholds and calibration. Loss and head are in `head.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from penjing.core import statistics
from penjing.core.errors import UsageError, did_you_mean
from penjing.core.score import Score
from penjing.sources import natural_key
from penjing.tasks._calibration import learn_temperature, softmax
from penjing.tasks._doubt import unsure_below
from penjing.tasks._own_metric import Own
from penjing.tasks._thresholds import Threshold, check_rule, choose_threshold, decode, predict
from penjing.tasks.classify.metrics import (
    METRICS,
    Bin,
    confusion,
    item_log_losses,
    metric,
    reliability,
)

__all__ = [
    "CLASS_WEIGHTS",
    "LOSSES",
    "LOSS_METRIC",
    "METRICS",
    "MODALITY",
    "REPORTED",
    "Bin",
    "Settings",
    "Threshold",
    "answer",
    "calibrate",
    "check_settings",
    "choose_threshold",
    "confusion",
    "decode",
    "encode",
    "is_known",
    "item_log_losses",
    "item_losses",
    "learn",
    "learn_temperature",
    "metric",
    "notices",
    "predict",
    "reliability",
    "score",
    "softmax",
    "stratify",
    "taken",
    "told",
    "weigh_classes",
]

MODALITY = "category"  # of the target columns that this task is taken for
LOSS_METRIC = "log_loss"  # the metric that training's curves show beside the watched one
UNBALANCED = 5  # times as many items in the largest class as in the smallest, from which that is said
# Shown beside the watched metric.
REPORTED = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "calibration_error")
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
    """A metric by name, with its 95% interval. See `metric` and `penjing.core.statistics.score`."""
    found = metric(given, threshold)
    return statistics.score(found, truth, probability, part=part, groups=groups, seed=seed)


def encode(cells: pl.Series, names: Sequence[str] | None = None) -> tuple[tuple[str, ...], np.ndarray]:
    """The classes in natural order, and Int64[items]: each item's class as an index, −1 where it has none.

    Args:
        cells: class names, null where unknown.
        names: the classes where they are settled already; a cell with another one counts as unknown.
    """
    known = names if names is not None else sorted(cells.drop_nulls().unique().to_list(), key=natural_key)
    index = {name: number for number, name in enumerate(known)}
    codes = cells.cast(pl.String).replace_strict(index, default=-1, return_dtype=pl.Int64) if index else None
    truth = np.full(len(cells), -1, dtype=np.int64) if codes is None else codes.fill_null(-1).to_numpy()
    return tuple(known), truth.astype(np.int64)


def is_known(truth: np.ndarray) -> np.ndarray:
    """Bool[items]: whether an item has a class."""
    return truth >= 0


def stratify(truth: np.ndarray) -> np.ndarray:
    """Int64[items]: what every part should hold in the same shares; −1 where unknown. Here the classes."""
    return truth


def calibrate(outputs: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """What is learned from validation after the weights: the `temperature`, and below which probability an answer is
    `unsure_below`."""
    temperature = float(learn_temperature(outputs, truth))
    return {"temperature": temperature, "unsure_below": float(unsure_below(softmax(outputs, temperature), truth))}


def item_losses(truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Float[items]: how wrong each answer is; here its log loss."""
    return item_log_losses(truth, answer)


def told(truth: np.ndarray, names: Sequence[str]) -> list[str | None]:
    """Each item's class in words; None where it has none."""
    return [names[index] if index >= 0 else None for index in truth]


def taken(answer: np.ndarray, names: Sequence[str], threshold: Threshold | None = None) -> list[str]:
    """The class that each item is taken for."""
    return [names[index] for index in predict(answer, threshold)]


def learn(truth: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """What is learned of the target on the training part: `counts`, the training items of each class."""
    return {"counts": np.bincount(truth[truth >= 0], minlength=len(classes)).tolist()}


def notices(truth: np.ndarray, names: Sequence[str]) -> list[str]:
    """What a person should know of the target: that its classes are far from even, and what can be done."""
    counts = np.bincount(truth[truth >= 0], minlength=len(names))
    if not len(names) or counts.max() <= UNBALANCED * max(1, counts.min()):
        return []
    most, fewest = names[int(counts.argmax())], names[int(counts.argmin())]
    return [
        f'"{most}" has {counts.max() / max(1, counts.min()):.0f} times as many training items as "{fewest}"; if all '
        "classes matter alike: --metric balanced_accuracy --set task.class_weights=balanced"
    ]


def answer(outputs: np.ndarray, calibrated: Mapping[str, Any] | None = None) -> np.ndarray:
    """Float32[items, classes]: the probabilities that a network's outputs mean.

    Args:
        outputs: Float32[items, classes], logits.
        calibrated: may hold the `temperature` that divides them.
    """
    return softmax(outputs, float((calibrated or {}).get("temperature", 1.0)))


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
