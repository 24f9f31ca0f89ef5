"""What experiments with a training told: their gains as they are, and what twice the data would give."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from penjing.core.record import Record
from penjing.core.spread import student_t

EDGE = 1.96  # standard errors that a 95% interval reaches to either side
DOUBLINGS_DRAWN = 2_000  # possible courses of the errors
SETTLED = 0.3  # of the run's updates: trainings that took fewer tell how fast something is learned, not how well
WHOLE = 0.9  # of the updates: a shorter training is told as such
LONGER_WANTED = "trials.longer training"  # what checks miss where trainings took fewer than `SETTLED`


@dataclass(frozen=True)
class Promise:
    """What more data would give, with a 95% interval.

    Attributes:
        gain: of the metric.
        low: lower end.
        high: upper end.
        metric: its name.
        likely: that much or more in four of five possible courses.
        unit: of the metric, as of `unit_of`.
    """

    gain: float
    low: float
    high: float
    metric: str
    likely: float
    unit: float


# ---- which experiments there are


def trials_of(record: Record, experiment: str) -> pl.DataFrame:
    """What one kind of experiment gave; a check that names it in `NEEDS` is only asked when there is some."""
    assert record.trials is not None
    return record.trials.filter(experiment=experiment)


def last_of(record: Record, experiment: str) -> dict[str, Any]:
    """The last one of a kind, of the longest trainings there are."""
    rows = trials_of(record, experiment)
    return rows.filter(share=rows["share"].max()).row(-1, named=True)


def beside(record: Record, experiment: str, row: Mapping[str, Any]) -> pl.DataFrame:
    """Experiments of a kind whose trainings took as many updates as that of `row`."""
    rows = trials_of(record, experiment)
    return rows.filter((rows["share"] - float(row.get("share", 1.0))).abs() < 1e-9)


def itself_beside(record: Record, row: Mapping[str, Any]) -> dict[str, Any]:
    """The training itself that `row` is held against."""
    rows = beside(record, "itself", row)
    return (trials_of(record, "itself") if rows.is_empty() else rows).row(-1, named=True)


def repeats_of(record: Record, row: Mapping[str, Any]) -> pl.DataFrame:
    """An experiment with every seed it was made with."""
    return beside(record, str(row["experiment"]), row).filter(setting=row.get("setting", ""))


def is_settled(row: Mapping[str, Any]) -> bool:
    """Whether a training took enough updates to tell how good something becomes."""
    return float(row["share"]) >= SETTLED


def cut_short(row: Mapping[str, Any]) -> str:
    """How much shorter than the run's own the trainings were, to end a sentence; "" where they were not."""
    return (
        "" if float(row["share"]) >= WHOLE else f" All of that is of trainings with {row['share']:.0%} of its updates."
    )


# ---- how large a difference is


def unit_of(row: Mapping[str, Any]) -> float:
    """What a difference of one means in a metric: 1 where it has an upper bound, as a share has, else what the constant
    answer has, for a number in euros says nothing of its size."""
    return float(row.get("unit") or 1.0)


def told(value: float, row: Mapping[str, Any], *, is_signed: bool = False) -> str:
    """A difference of a metric for a sentence: points where it has an upper bound, else in its own unit."""
    return measured(value, unit_of(row), is_signed=is_signed)


def measured(value: float, unit: float, *, is_signed: bool = False) -> str:
    """The same by the unit of the metric."""
    sign = "+" if is_signed else ""
    return f"{100 * value:{sign}.1f} points" if unit == 1.0 else f"{value:{sign}.3g}"


def error_behind(low: float, high: float) -> float:
    """The standard error that a 95% interval stands for."""
    return (high - low) / 2 / EDGE


def beyond_chance(freedom: int) -> float:
    """What the chi-square of so many degrees of freedom exceeds once in twenty times, per degree.

    Source: E. B. Wilson, M. M. Hilferty, The distribution of chi-square, 1931.
    """
    part = 2 / (9 * freedom)
    return float((1 - part + NormalDist().inv_cdf(0.95) * math.sqrt(part)) ** 3)


# ---- the luck of seeds


def seeds_of(record: Record, row: Mapping[str, Any], column: str = "gain") -> Float[np.ndarray, " seeds"]:
    """What trainings that differ from the training itself in the seed alone gained over it, itself (0) among them."""
    rows = beside(record, "seed", row)
    return np.array([0.0, *(rows[column].drop_nulls() if column in rows.columns else ())], dtype=np.float64)


def luck_of(*kinds: Float[np.ndarray, " _"]) -> tuple[float, int]:
    """The variance among trainings that differ in the seed alone, pooled over kinds of them, and its degrees of
    freedom; (0, 0) where none was repeated."""
    freedom = sum(len(kind) - 1 for kind in kinds)
    return (sum(float(((kind - kind.mean()) ** 2).sum()) for kind in kinds) / freedom if freedom else 0.0), freedom


def noise_of(rows: pl.DataFrame, column: str = "gain") -> float:
    """What the items alone scatter trainings that differ in the seed, as the variance of one of them; 0 where that was
    not measured.

    Args:
        rows: of one experiment, or of other seeds.
    """
    name = "noise" if column == "gain" else "loss_noise"
    known = rows[name].drop_nulls().to_list() if name in rows.columns else []
    if not known and f"{column}_low" in rows.columns:  # of a record without it: a difference has that of two trainings
        seeds = rows.filter(experiment="seed").drop_nulls(f"{column}_low").to_dicts()
        known = [error_behind(one[f"{column}_low"], one[f"{column}_high"]) ** 2 / 2 for one in seeds]
    return float(np.mean(known)) if known else 0.0


def widened(record: Record, row: Mapping[str, Any], column: str = "gain") -> tuple[float, float, float]:
    """What an experiment gained over the training itself, both as means over the seeds they were tried with, and a 95%
    interval: (gain, low, high).

    The interval holds the luck of the items and of the seeds. How far seeds are apart on the same items holds what
    these scatter single trainings too, so that is counted there, once. Few seeds say little of their luck: it is no
    less than what the items scatter, and the interval is as wide as Student's t asks for, with the degrees of freedom
    of the larger part of the variance. Where nothing was repeated it holds the luck of the items alone. It goes no
    further than the metric can.

    Source: B. L. Welch (1947), "The generalization of Student's problem", for the degrees of freedom of a sum.

    Args:
        row: the experiment with any of its seeds.
        column: "gain" of the metric, or "loss_gain" of the mean loss.
    """
    repeats, own = repeats_of(record, row), seeds_of(record, row, column)
    rows = repeats.drop_nulls(column).to_dicts() or [{"items": math.inf, **row}]
    other = np.array([float(one[column]) for one in rows])
    luck, freedom = luck_of(own, other)
    noise = noise_of(beside(record, "seed", row), column)
    of_seeds = max(luck, noise) * (1 / len(own) + 1 / len(other)) if freedom else 0.0
    gain = float(other.mean() - own.mean())

    def reach(end: str) -> float:
        of_pairs = float(np.mean([((one[column] - one[f"{column}_{end}"]) / EDGE) ** 2 for one in rows]))
        of_items = max(0.0, of_pairs - noise - (noise_of(repeats, column) or noise))
        variance = of_items + of_seeds
        if not variance:
            return 0.0
        parts = of_items**2 / max(1, float(rows[0]["items"]) - 1) + (of_seeds**2 / freedom if freedom else 0.0)
        return student_t(0.975, max(1, int(variance**2 / parts))) * math.sqrt(variance)

    most = float((row.get("span") if column == "gain" else None) or math.inf)
    return gain, max(gain - reach("low"), -most), min(gain + reach("high"), most)


def is_repeated(record: Record, row: Mapping[str, Any]) -> bool:
    """Whether the training or the experiment was carried out with another seed, so that luck is known."""
    return luck_of(seeds_of(record, row), repeats_of(record, row)["gain"].to_numpy())[1] > 0


# ---- more data


def twice_the_data(record: Record) -> Promise | None:
    """What twice the training items would give, by a power law through the errors with all, half and a quarter of them;
    None where half of them were not tried.

    Each error is the mean over the seeds it was tried with. It is drawn again and again as the luck of the items and of
    the seeds may have had it.
    """
    last = last_of(record, "share")
    itself, rows = itself_beside(record, last), beside(record, "share", last)
    worst = 1.0 if itself["is_higher_better"] else 0.0  # an error is what is left to one, or the metric itself
    own = seeds_of(record, last)
    kinds = {float(setting[0]): part for setting, part in rows.group_by("setting", maintain_order=True)}
    if 0.5 not in kinds:
        return None
    noise = noise_of(beside(record, "seed", last))
    of_whole, of_parts = luck_of(own), luck_of(*(part["gain"].to_numpy() for part in kinds.values()))
    draw = np.random.default_rng(0)

    def lucky(luck: tuple[float, int], noise: float, trainings: int) -> np.ndarray:
        if not luck[1]:
            return np.zeros(DOUBLINGS_DRAWN)
        return math.sqrt(max(luck[0], noise) / trainings) * draw.standard_t(luck[1], DOUBLINGS_DRAWN)

    error = max(abs(worst - float(itself["value"])) - float(own.mean()), 1e-9)
    whole = draw.normal(error, error_behind(itself["low"], itself["high"]), DOUBLINGS_DRAWN)
    tried = {1.0: np.maximum(whole + lucky(of_whole, noise, len(own)), error / 10 + 1e-9)}
    for share, part in kinds.items():
        of_part = noise_of(part) or noise  # fewer items, other items: what they scatter is more
        of_pairs = float(np.mean([error_behind(one["gain_low"], one["gain_high"]) ** 2 for one in part.to_dicts()]))
        scatter = math.sqrt(max(0.0, of_pairs - noise - of_part))
        lost = draw.normal(float(part["gain"].to_numpy().mean() - own.mean()), scatter, DOUBLINGS_DRAWN)
        luck = of_parts if of_parts[1] else of_whole
        tried[share] = np.maximum(whole - lost + lucky(luck, of_part, len(part)), 1e-9)
    size = np.log2(np.array(list(tried)))
    courses = np.log2(np.stack(list(tried.values())))
    steepness = -((size - size.mean()) @ (courses - courses.mean(0))) / ((size - size.mean()) ** 2).sum()
    gains = tried[1.0] * (1 - 2.0 ** -np.maximum(steepness, 0.0))
    low, likely, gain, high = np.quantile(gains, [0.025, 0.2, 0.5, 0.975]).tolist()
    return Promise(gain, low, high, str(itself["metric"]), likely, unit_of(itself))
