"""Which labels an item has, none, one or several, with a probability for each of them.

This half needs no torch: settings, metrics, thresholds and calibration. Loss and head are in `head.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from penjing.core import statistics
from penjing.core.errors import DataError, UsageError, did_you_mean
from penjing.core.score import Score
from penjing.sources import natural_key
from penjing.tasks._calibration import learn_temperature
from penjing.tasks._own_metric import Own
from penjing.tasks.tag.metrics import METRICS, item_losses, metric
from penjing.tasks.tag.thresholds import RULES, Threshold, choose_threshold, predict

__all__ = [
    "LABEL_WEIGHTS",
    "LOSSES",
    "LOSS_METRIC",
    "METRICS",
    "MODALITY",
    "REPORTED",
    "RULES",
    "Settings",
    "Threshold",
    "answer",
    "calibrate",
    "check_settings",
    "choose_threshold",
    "encode",
    "is_known",
    "item_losses",
    "learn",
    "metric",
    "notices",
    "predict",
    "score",
    "stratify",
    "taken",
    "told",
    "weigh_labels",
]

MODALITY = "labels"  # of the target columns that this task is taken for
LOSS_METRIC = "log_loss"  # the metric that training's curves show beside the watched one
# Shown beside the watched metric.
REPORTED = ("macro_f1", "micro_f1", "subset_accuracy", "mean_average_precision", "log_loss")
LOSSES = ("binary_cross_entropy",)
LABEL_WEIGHTS = ("none", "balanced")
SEPARATORS = ("|", ";", ",")  # between the labels in a cell; the first that occurs in the column is meant
FEW = 10  # items with a label: fewer hardly teach it
RARE = 0.05  # share of items with a label below which it is called rare
LEAST_ITEMS_A_STRATUM = 10
HEAVIEST = 20.0  # an item that has a rare label counts at most so many times


@dataclass(frozen=True)
class Settings:
    """How labels are learned and judged.

    Attributes:
        loss: one of `LOSSES`.
        label_weights: "balanced" lets the items that have a label weigh as much as those that have not, up to
            `HEAVIEST` times; or "none".
        metric: what validation chooses by: a name in `METRICS`, or an own function as "file.py:function".
        threshold: "f1" chooses for each label the threshold of best F1 on validation; "none" takes one half.
    """

    loss: str = "binary_cross_entropy"
    label_weights: str = "none"
    metric: str = "macro_f1"
    threshold: str = "f1"


def check_settings(settings: Settings, names: Sequence[str]) -> None:
    """Say what is wrong with the settings before any time is spent on them.

    Raises:
        UsageError: a name does not exist, or there is no label.
    """
    for word, given, known in (
        ("loss", settings.loss, LOSSES),
        ("setting label_weights", settings.label_weights, LABEL_WEIGHTS),
        ("rule for thresholds", settings.threshold, RULES),
    ):
        if given not in known:
            raise UsageError(f'there is no {word} "{given}"; {did_you_mean(given, known)}')
    if not names:
        raise UsageError("there is no label to learn; every item's list of labels is empty")
    metric(settings.metric)


def score(
    given: str | Own,
    truth: np.ndarray,
    answer: np.ndarray,
    *,
    part: str,
    groups: Sequence[object] | np.ndarray | None = None,
    threshold: Threshold | None = None,
    seed: int = 0,
) -> Score:
    """A metric by name, with its 95% interval. See `metric` and `penjing.core.statistics.score`."""
    return statistics.score(metric(given, threshold), truth, answer, part=part, groups=groups, seed=seed)


def encode(cells: pl.Series, names: Sequence[str] | None = None) -> tuple[tuple[str, ...], np.ndarray]:
    """The labels in natural order, and Int8[items, labels]: 1 where an item has a label, 0 where not, −1 unknown.

    Args:
        cells: lists of labels, or texts in which `SEPARATORS` part them; an empty one has none, null is unknown.
        names: the labels where they are settled already; others are passed over.

    Raises:
        DataError: no item has a label.
    """
    lists = _lists(cells)
    pairs = pl.DataFrame({"item": np.arange(len(lists)), "label": lists}).explode("label", empty_as_null=True)
    pairs = pairs.filter(pl.col("label").is_not_null() & (pl.col("label") != ""))
    known = list(names) if names is not None else sorted(pairs["label"].unique().to_list(), key=natural_key)
    if not known:
        raise DataError(f'no item has a label in "{cells.name}"; labels of an item are parted by | or ; or ,')
    truth = np.zeros((len(lists), len(known)), dtype=np.int8)
    truth[lists.is_null().to_numpy()] = -1
    pairs = pairs.filter(pl.col("label").is_in(known))
    if len(pairs):
        index = pairs["label"].replace_strict(known, list(range(len(known))), return_dtype=pl.Int64)
        truth[pairs["item"].to_numpy(), index.to_numpy()] = 1
    return tuple(known), truth


def _lists(cells: pl.Series) -> pl.Series:
    """List(String): the labels of each cell, without blanks around them; null where unknown."""
    if not isinstance(cells.dtype, pl.List):
        texts = cells.cast(pl.String)
        found = [mark for mark in SEPARATORS if texts.str.contains(mark, literal=True).any()]
        cells = texts.str.split(found[0]) if found else texts.reshape((len(texts), 1)).arr.to_list()
        cells = pl.select(pl.when(texts.is_not_null()).then(cells)).to_series()
    return cells.cast(pl.List(pl.String)).list.eval(pl.element().str.strip_chars())


def is_known(truth: np.ndarray) -> np.ndarray:
    """Bool[items]: whether it is known which labels an item has."""
    return np.asarray((truth >= 0).all(axis=1))


def stratify(truth: np.ndarray) -> np.ndarray:
    """Int64[items]: the combination of labels of each item; −1 where unknown.

    Combinations of fewer than `LEAST_ITEMS_A_STRATUM` items stand under their rarest label, so that it is dealt out.
    """
    found = np.full(len(truth), -1, dtype=np.int64)
    known = np.flatnonzero(is_known(truth))
    if len(known) == 0:
        return found
    rows = truth[known]
    _, which, counts = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    which = which.reshape(-1)
    often = rows.sum(axis=0)
    rarest = np.where(rows > 0, often, len(truth) + 1).argmin(axis=1)
    is_small = (counts[which] < LEAST_ITEMS_A_STRATUM) & (rows.sum(axis=1) > 0)
    _, found[known] = np.unique(np.where(is_small, len(counts) + rarest, which), return_inverse=True)
    return found


def learn(truth: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """What is learned of the target on the training part: `items`, and `counts`, how many of them have each label."""
    rows = truth[is_known(truth)]
    counts = rows.sum(axis=0, dtype=np.int64).tolist() if len(rows) else [0] * len(names)
    return {"items": len(rows), "counts": counts}


def notices(truth: np.ndarray, names: Sequence[str]) -> list[str]:
    """What a person should know of the labels: which of them few items have, and which all."""
    known = learn(truth, names)
    counts, items = known["counts"], known["items"]
    found = []
    few = [f"{name} ({count})" for name, count in zip(names, counts, strict=True) if count < FEW]
    if few:
        found.append(f"fewer than {FEW} items have the label {_listed(few)}: too few to learn it or to measure it by")
    rare = [
        f"{name} ({count / items:.1%})"
        for name, count in zip(names, counts, strict=True)
        if count >= FEW and count < RARE * items
    ]
    if rare:
        found.append(f"few items have the label {_listed(rare)}; task.label_weights=balanced lets them weigh more")
    always = [name for name, count in zip(names, counts, strict=True) if items and count == items]
    if always:
        found.append(f"every item has the label {_listed(always)}: it tells nothing")
    return found


def _listed(words: Sequence[str], most: int = 5) -> str:
    rest = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + rest


def answer(outputs: np.ndarray, calibrated: Mapping[str, Any] | None = None) -> np.ndarray:
    """Float32[items, labels]: the probability of each label, each by itself.

    Args:
        outputs: Float32[items, labels], logits.
        calibrated: may hold the `temperature` that divides them.
    """
    scaled = np.asarray(outputs, dtype=np.float64) / float((calibrated or {}).get("temperature", 1.0))
    return (0.5 * (1 + np.tanh(scaled / 2))).astype(np.float32)  # σ, which does not overflow in this form


def calibrate(outputs: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """What is learned from validation after the weights: one `temperature` for all labels.

    Each label of each item is a question with two answers, whose logits are 0 and the output.
    """
    logits = np.asarray(outputs, dtype=np.float64).reshape(-1)
    return {"temperature": float(learn_temperature(np.stack([np.zeros_like(logits), logits], 1), truth.reshape(-1)))}


def told(truth: np.ndarray, names: Sequence[str]) -> list[list[str] | None]:
    """Each item's labels in words; None where they are unknown."""
    return [None if min(row, default=0) < 0 else _named(row, names) for row in truth]


def taken(answer: np.ndarray, names: Sequence[str], threshold: Threshold | None = None) -> list[list[str]]:
    """The labels that each item is taken to have."""
    return [_named(row, names) for row in predict(answer, threshold)]


def _named(row: np.ndarray, names: Sequence[str]) -> list[str]:
    return [name for name, is_there in zip(names, row, strict=True) if is_there]


def weigh_labels(learned: Mapping[str, Any], how: str) -> np.ndarray:
    """Float32[labels]: how many times an item that has a label counts, against one that has not.

    Args:
        learned: what `learn` gave.
        how: one of `LABEL_WEIGHTS`. "balanced" is items without it / items with it, from 1 to `HEAVIEST`.
    """
    counts = np.asarray(learned["counts"], dtype=np.float64)
    if how == "none":
        return np.ones(len(counts), dtype=np.float32)
    odds = (learned["items"] - counts) / np.maximum(counts, 1)
    return np.clip(odds, 1.0, HEAVIEST).astype(np.float32)
