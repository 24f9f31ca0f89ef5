"""What checks read of answers on the items that validate: how one model does beside others, and how sure that is.

Checks take these from `penjing.checks`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from penjing.core.record import MOST_MEASURED, Record
from penjing.core.shares import shares_apart
from penjing.core.spread import standard_error, student_t, unit_of_item


@dataclass(frozen=True)
class Gain:
    """What one model gains over another on the same items, with a 95% interval of the mean.

    Every mean is over the groups (speakers, patients), each of which counts as its items do on average: items of one
    group are alike, so many of them tell little more than a few. An item without a group is its own. Of fewer than
    `FEW_GROUPS` of them, the interval of right answers holds the exact one of single items too.

    Attributes:
        mean: positive where it is better.
        low: lower end.
        high: upper end.
        items: how many both answered.
        groups: in how many groups these are.
        of: the mean of the one.
        over: the mean of the other.
    """

    mean: float
    low: float
    high: float
    items: int
    groups: int
    of: float
    over: float


# Of fewer groups Student's t of right answers is not to be relied on: few of them may be apart alike by chance.
FEW_GROUPS = 30
CONSTANT = ("majority", "mean")  # the models that always give the same answer
SIMPLE = ("linear", "boosted_trees")  # those that look at the items and are no network


def gain(record: Record, measure: str, over: Sequence[str], fewest: int = 10) -> Gain | None:
    """What the network gains over other models on the items that validate; None on fewer items than `fewest`, or on a
    single group.

    Args:
        measure: "right" (1 or 0; of classes) or "loss" (the lower the better).
        over: names of the other; the first that there is.
    """
    assert record.items is not None
    if measure == "right" and not {"target", "predicted"} <= set(record.items.columns):
        return None
    shown = record.items.with_columns(
        value=(pl.col("target") == pl.col("predicted")).cast(pl.Float64)
        if measure == "right"
        else -pl.col("loss").cast(pl.Float64)
    )
    known = set(shown["model"])
    other = next((name for name in over if name in known), None)
    if other is None:
        return None
    unit = pl.coalesce("group", "hash") if "group" in shown.columns else pl.col("hash")  # older runs name no group
    # Copies of one content under other classes are items of their own.
    item = [name for name in ("hash", "name") if name in shown.columns]
    sides = [shown.filter(model=name).select(*item, "value", unit=unit) for name in ("network", other)]
    pairs = sides[0].join(sides[1].drop("unit").unique(item), on=item, suffix="_other").drop_nulls()
    if len(pairs) < fewest or not np.isfinite((pairs["value"] - pairs["value_other"]).to_numpy()).all():
        return None
    one, two = pairs["value"].to_numpy(), pairs["value_other"].to_numpy()
    number = unit_of_item(pairs["unit"].to_list(), len(pairs))
    groups = int(number.max()) + 1
    if groups < 2:
        return None
    mean = float((one - two).mean())
    half = student_t(0.975, groups - 1) * standard_error(one - two, number)
    sign = 1 if measure == "right" else -1
    ends = (mean - half, mean + half)
    if measure == "right" and groups < FEW_GROUPS:
        exact = shares_apart(int((one > two).sum()), int((one < two).sum()), len(pairs))
        ends = (min(ends[0], exact[0]), max(ends[1], exact[1]))
    return Gain(mean, *ends, len(pairs), groups, sign * float(one.mean()), sign * float(two.mean()))


def over_simple(record: Record, measure: str, fewest: int) -> dict[str, Gain]:
    """What the network gains over each simple model that is known, by its name; see `gain`."""
    found = {name: gain(record, measure, [name], fewest) for name in SIMPLE}
    return {name: one for name, one in found.items() if one is not None}


# Of right answers; of labels, of the loss of the constant answer; of numbers, of what is left of one by the square of
# the loss beside that of the constant answer, as in R². Less is no trouble.
AHEAD = 0.02


def ahead(record: Record, fewest: int = 30) -> tuple[str, str, Gain] | None:
    """The simple model that is clearly better than the network, by `AHEAD` at least; None where none is.

    Args:
        fewest: items, where losses are compared. Of right answers the exact interval says how many it takes.

    Returns:
        Its name; by what, "right" (answers that are right, of classes) or "loss" (of numbers and labels); and what the
        network gains over it, all of it below zero.
    """
    assert record.items is not None
    measure = "right" if len(class_answers(record)) else "loss"
    found = over_simple(record, measure, 1 if measure == "right" else fewest)
    worse = {name: one for name, one in found.items() if one.high < 0 and _apart(record, measure, one) >= AHEAD}
    if not worse:
        return None
    name = min(worse, key=lambda one: worse[one].mean)
    return name, measure, worse[name]


def _apart(record: Record, measure: str, found: Gain) -> float:
    """How far a model is ahead of the network, on a scale from always giving the same answer to being right."""
    if measure == "right":
        return -found.mean
    constant = gain(record, "loss", CONSTANT)
    scale = max(constant.over if constant is not None else found.of, 1e-30)
    power = 1 if record.items is None or have_shares(record.items) else 2
    return float((found.of / scale) ** power - (found.over / scale) ** power)


def constant_loss(record: Record) -> float | None:
    """The loss of the answer that does not look at the items, in the unit of "valid/loss": the mean one of classes and
    labels, the root of the mean square of numbers; None where it is not known."""
    if record.items is None or not {"model", "loss"} <= set(record.items.columns):
        return None
    for model in CONSTANT:
        losses = record.items.filter(model=model)["loss"].drop_nulls().to_numpy().astype(np.float64)
        if len(losses):
            return float(np.sqrt((losses**2).mean()) if model == "mean" else losses.mean())
    return None


def chance_of(record: Record, value: float) -> float:
    """The standard error of a watched metric at an evaluation, by the items that judge: of a share of right answers, or
    of what is left of one (such as R²) by how the losses of numbers scatter; 0 where there are no items."""
    if record.items is None or "model" not in record.items.columns:
        return 0.0
    items = record.items.filter(model="network")
    if items.is_empty():
        return 0.0
    judging = min(len(items), MOST_MEASURED)
    if have_shares(items) or "loss" not in items.columns:
        share = min(1.0, max(0.0, value))
        return math.sqrt(share * (1 - share) / judging)
    losses = items["loss"].drop_nulls().to_numpy().astype(np.float64) ** 2  # of numbers, errors
    mean = float(losses.mean()) if len(losses) else 0.0
    return abs(1 - value) * float(losses.std()) / mean / math.sqrt(judging) if mean > 0 else 0.0


def have_shares(items: pl.DataFrame) -> bool:
    """Whether answers are shares, of classes or of labels: a number is told as a list of one entry, and so is a single
    label, whose target is a list too."""
    if isinstance(items.schema.get("target"), pl.List):
        return True
    return "probability" in items.columns and bool((items["probability"].list.len() > 1).any())


def class_answers(record: Record) -> pl.DataFrame:
    """What the network said of validation items, where it names classes; no row where it names numbers or labels."""
    assert record.items is not None
    return of_classes(record.items.filter(pl.col("model") == "network"))


def of_classes(items: pl.DataFrame) -> pl.DataFrame:
    """The answers that name one class each: such a one has a probability for every class, where a number has one entry.
    Labels, of which an item may have several, have a probability each too, yet these are not shares of one."""
    if isinstance(items.schema.get("target"), pl.List):
        return items.clear()
    return items.filter(pl.col("probability").list.len() > 1)


def units_of(items: pl.DataFrame) -> Int[np.ndarray, " items"]:
    """The number of each item's group; an item without one is its own, and so is each of an older run."""
    groups = items.select(pl.coalesce("group", "hash")).to_series() if "group" in items.columns else None
    return unit_of_item(None if groups is None else groups.to_list(), len(items))


def clustering(values: Float[np.ndarray, " items"], unit: Int[np.ndarray, " items"]) -> float:
    """How many times as far as single items would the mean of some values scatters, because items of one group are
    alike; 1 and more, infinite where all are of one group.

    Source: L. Kish, Survey sampling, 1965: the root of the design effect.
    """
    by_item = standard_error(values)
    if int(unit.max(initial=0)) + 1 == len(values) or by_item == 0:
        return 1.0
    return max(1.0, standard_error(values, unit) / by_item)
