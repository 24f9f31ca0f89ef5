"""Which number belongs to an item, in its own units, with an interval that it lies in as often as is said.

This half needs no torch: settings, metrics and intervals. Loss and head are in `head.py`.

Source of the interval: V. Vovk, A. Gammerman and G. Shafer (2005), "Algorithmic learning in a random world": the split
conformal interval, here with a bound of its own on either side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from penjing.core import statistics
from penjing.core.errors import DataError, UsageError, did_you_mean
from penjing.core.score import Score
from penjing.modalities import number
from penjing.tasks._own_metric import Own
from penjing.tasks.regress.metrics import METRICS, errors, metric
from penjing.tasks.regress.transform import TRANSFORMS, choose_transform, learn_scale

__all__ = [
    "COVERAGE",
    "LOSSES",
    "LOSS_METRIC",
    "METRICS",
    "MODALITY",
    "REPORTED",
    "TRANSFORMS",
    "Settings",
    "answer",
    "calibrate",
    "check_settings",
    "choose_transform",
    "encode",
    "interval",
    "is_known",
    "item_losses",
    "learn",
    "metric",
    "notices",
    "score",
    "stratify",
    "taken",
    "told",
]

MODALITY = "number"  # of the target columns that this task is taken for
LOSS_METRIC = "rmse"  # the metric that training's curves show beside the watched one
REPORTED = ("r2", "mae", "rmse")  # shown beside the watched metric
LOSSES = ("half_squared", "huber", "absolute")
COVERAGE = 0.9  # share of new items whose truth the interval holds
BINS = 10  # of a number, which every part should hold in the same shares
LEAST_ITEMS_A_BIN = 10
NAMELESS = "target"


@dataclass(frozen=True)
class Settings:
    """How a number is learned and judged.

    Attributes:
        loss: one of `LOSSES`.
        delta: for the loss huber, the error from which it grows no faster than the error, in standard deviations of the
            training targets (of their logarithms, where those are learned).
        target_transform: "log" learns the logarithm of the number, "none" the number; "auto" the logarithm where the
            training targets are skewed and their logarithms are not (see `choose_transform`). Answers and metrics
            are in the number's own units either way.
        metric: what validation chooses by: a name in `METRICS`, or an own function as "file.py:function".
    """

    loss: str = "half_squared"
    delta: float = 1.0
    target_transform: str = "auto"
    metric: str = "r2"


def check_settings(settings: Settings, names: Sequence[str]) -> None:
    """Say what is wrong with the settings before any time is spent on them.

    Raises:
        UsageError: a name does not exist, a number is out of its range, or there is not one number an item.
    """
    if settings.loss not in LOSSES:
        raise UsageError(f'there is no loss "{settings.loss}"; {did_you_mean(settings.loss, LOSSES)}')
    if settings.target_transform not in TRANSFORMS:
        hint = did_you_mean(settings.target_transform, TRANSFORMS)
        raise UsageError(f'there is no target_transform "{settings.target_transform}"; {hint}')
    if not 0 < settings.delta < math.inf:
        raise UsageError(f"delta is a number of standard deviations above 0, not {settings.delta}")
    if len(names) != 1:
        raise UsageError(f"one number an item is learned; these data have {len(names)}: {', '.join(names)}")
    metric(settings.metric)


def score(
    given: str | Own,
    truth: np.ndarray,
    answer: np.ndarray,
    *,
    part: str,
    groups: Sequence[object] | np.ndarray | None = None,
    threshold: Any = None,
    seed: int = 0,
) -> Score:
    """A metric by name, with its 95% interval. See `metric` and `penjing.core.statistics.score`."""
    return statistics.score(metric(given, threshold), truth, answer, part=part, groups=groups, seed=seed)


def encode(cells: pl.Series, names: Sequence[str] | None = None) -> tuple[tuple[str, ...], np.ndarray]:
    """The target's name, and Float32[items]: each item's number, NaN where it has none.

    Args:
        cells: numbers, or texts that `modalities/number.py` can read; null where unknown.
        names: the name where it is settled already, as for new items; then any numbers will do, even none.

    Raises:
        DataError: nothing can be learned: there is no number, or all are the same.
    """
    settings = number.Settings(decimal=number.decimal_sign(cells))
    values = number.clean(cells, settings).cast(pl.Float64).fill_null(math.nan).to_numpy().astype(np.float64)
    # Beyond this a float32 is infinite; such a number is a mistake, not a measurement.
    values = np.where(np.abs(values) <= number.LARGEST, values, math.nan)
    truth = values.astype(np.float32)
    if names is not None:
        return tuple(names), truth
    name = cells.name or NAMELESS
    known = truth[is_known(truth)]
    if len(known) == 0:
        raise DataError(f'the target "{name}" holds no number; choose another target, or give its column a task')
    if known.min() == known.max():
        raise DataError(
            f'the target "{name}" is {known[0]:g} for all {len(known)} items, so there is nothing to learn; '
            "choose another target"
        )
    return (name,), truth


def is_known(truth: np.ndarray) -> np.ndarray:
    """Bool[items]: whether an item has a number."""
    return np.isfinite(truth)


def stratify(truth: np.ndarray) -> np.ndarray:
    """Int64[items]: bins of about as many items each, from the smallest numbers to the largest; −1 where unknown.

    At most `BINS`, and no more than leave `LEAST_ITEMS_A_BIN` items to each; equal numbers share a bin.
    """
    known = is_known(truth)
    bins = max(1, min(BINS, int(known.sum()) // LEAST_ITEMS_A_BIN))
    found = np.full(len(truth), -1, dtype=np.int64)
    if not known.any():
        return found
    borders = np.unique(np.quantile(truth[known], np.arange(1, bins) / bins)) if bins > 1 else np.zeros(0)
    _, found[known] = np.unique(np.searchsorted(borders, truth[known], side="left"), return_inverse=True)
    return found


def learn(truth: np.ndarray, names: Sequence[str] = ()) -> dict[str, Any]:  # noqa: ARG001 - every task is asked so
    """What is learned of the target on the training part: see `learn_scale`."""
    return learn_scale(truth)


def notices(truth: np.ndarray, names: Sequence[str]) -> list[str]:
    """What a person should know of the target: that it is skewed, and what is made of it."""
    known = learn_scale(truth)
    if choose_transform("auto", known) == "none":
        return []
    return [
        f'"{names[0]}" has a long tail (from {known["low"]:g} to {known["high"]:g}, mean {known["mean"]:g}), so its '
        "logarithm is learned; target_transform=none learns it as it is"
    ]


def answer(outputs: np.ndarray, calibrated: Mapping[str, Any] | None = None) -> np.ndarray:  # noqa: ARG001
    """Float32[items, 1]: the numbers that a network's outputs mean; they are in the target's own units already."""
    return np.asarray(outputs, dtype=np.float32)


def calibrate(outputs: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """What is learned from validation after the weights: how far below and above its answer the truth may lie.

    Returns:
        `below` and `above`, both to be added to an answer, and the `coverage` that they give together on new items like
        these; nothing where the items are too few to say.
    """
    residuals = np.sort(-errors(truth, answer(outputs)))
    count = len(residuals)
    tail = math.floor((count + 1) * (1 - COVERAGE) / 2 + 1e-9)  # 0.1 is not quite a tenth
    if tail < 1:
        return {}
    return {"below": float(residuals[tail - 1]), "above": float(residuals[count - tail]), "coverage": COVERAGE}


def interval(answer: np.ndarray, calibrated: Mapping[str, Any]) -> np.ndarray | None:
    """Float32[items, 2]: between which numbers the truth lies for a share `coverage` of items; None where unknown."""
    if "below" not in calibrated:
        return None
    return np.concatenate([answer + calibrated["below"], answer + calibrated["above"]], axis=1).astype(np.float32)


def item_losses(truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Float32[items]: how wrong each answer is; here how far off, in the target's own units."""
    return np.abs(errors(truth, answer)).astype(np.float32)


def told(truth: np.ndarray, names: Sequence[str]) -> list[float | None]:  # noqa: ARG001 - every task is asked so
    """Each item's number; None where it has none."""
    return [float(value) if np.isfinite(value) else None for value in truth]


def taken(answer: np.ndarray, names: Sequence[str], threshold: Any = None) -> list[float]:  # noqa: ARG001
    """The number that each item is given."""
    found: list[float] = np.asarray(answer)[:, 0].tolist()
    return found
