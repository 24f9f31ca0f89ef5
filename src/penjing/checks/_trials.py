"""What experiments with a training told: their gains as they are, and what twice the data would give."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from penjing.core.record import Record

EDGE = 1.96  # standard errors that a 95 % interval reaches to either side
DOUBLINGS_DRAWN = 2_000  # possible courses of the errors


@dataclass(frozen=True)
class Promise:
    """What more data would give, with a 95 % interval.

    Attributes:
        gain: of the metric.
        low: lower end.
        high: upper end.
        metric: its name.
    """

    gain: float
    low: float
    high: float
    metric: str


def trials_of(record: Record, experiment: str) -> pl.DataFrame:
    """What one kind of experiment gave; a check that names it in `NEEDS` is only asked when there is some."""
    assert record.trials is not None
    return record.trials.filter(experiment=experiment)


def deviation(low: float, high: float) -> float:
    """The standard error that a 95 % interval stands for."""
    return (high - low) / 2 / EDGE


def twice_the_data(record: Record) -> Promise | None:
    """What twice the training items would give, by a power law through the errors with all, half and a quarter of them;
    None where half of them were not tried. Every error is drawn from its interval again and again."""
    rows = trials_of(record, "share")
    itself = trials_of(record, "itself").row(-1, named=True)
    worst = 1.0 if itself["is_higher_better"] else 0.0  # an error is what is left to one, or the metric itself
    error = abs(worst - float(itself["value"]))
    draw = np.random.default_rng(0)
    half = deviation(itself["low"], itself["high"])
    whole = np.maximum(draw.normal(error, half, DOUBLINGS_DRAWN), error / 10 + 1e-9)
    tried = {1.0: whole}
    for row in rows.iter_rows(named=True):
        scatter = deviation(row["gain_low"], row["gain_high"])
        tried[float(row["setting"])] = np.maximum(whole - draw.normal(row["gain"], scatter, DOUBLINGS_DRAWN), 1e-9)
    if 0.5 not in tried:
        return None
    size = np.log2(np.array(list(tried)))
    courses = np.log2(np.stack(list(tried.values())))
    steepness = -((size - size.mean()) @ (courses - courses.mean(0))) / ((size - size.mean()) ** 2).sum()
    gains = whole * (1 - 2.0 ** -np.maximum(steepness, 0.0))
    low, high = np.quantile(gains, [0.025, 0.975])
    return Promise(float(np.median(gains)), float(low), float(high), str(itself["metric"]))


def widened(record: Record, row: Mapping[str, Any]) -> tuple[float, float, float]:
    """What an experiment gained over the training itself, and over other seeds of that where they were tried, with a
    95 % interval that holds the luck of seeds: (gain, low, high)."""
    seeds = np.array([0.0, *trials_of(record, "seed")["gain"]])
    spread = float(seeds.std(ddof=1)) if len(seeds) > 1 else 0.0
    gain, luck = float(row["gain"]), EDGE * math.sqrt(1 + 1 / len(seeds)) * spread
    below, above = (math.hypot(gain - float(row[end]), luck) for end in ("gain_low", "gain_high"))
    gain -= float(seeds.mean())
    return gain, gain - below, gain + above
