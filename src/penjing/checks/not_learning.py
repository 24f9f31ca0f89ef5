"""The network is no better than always giving the same answer.

**What it sees.** The loss on every validation item beside that of the constant answer (the most frequent class, the
mean), which every run measures: the mean difference with a 95 % interval.

**Why it is bad.** Nothing of the inputs has reached the answers: nothing was learned, or nothing that holds.

**Known false alarms.** With few validation items a small gain cannot be told from none; the interval says how large it
could be. Where inputs truly tell nothing of the target, no training helps.

**What to do.** Look at the data with `penjing inspect`: are labels and items paired rightly? Then try ten times and a
tenth of the rate, and more updates.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from penjing.checks import example_answers
from penjing.core.finding import Finding
from penjing.core.record import Record
from penjing.core.statistics import student_t

NEEDS = ("items.loss", "items.model")
CONSTANT = ("majority", "mean")
FEWEST = 10  # items


def look(record: Record) -> Finding | None:
    """What the network gains over the constant answer, or None when that is something."""
    assert record.items is not None
    losses = {
        kind: record.items.filter(pl.col("model").is_in(names)).select("hash", pl.col("loss").cast(pl.Float64))
        for kind, names in (("network", ["network"]), ("constant", CONSTANT))
    }
    pairs = losses["network"].join(losses["constant"], on="hash", suffix="_constant").drop_nulls()
    gain = (pairs["loss_constant"] - pairs["loss"]).to_numpy()
    if len(gain) < FEWEST or not np.isfinite(gain).all():
        return None
    half = student_t(0.975, len(gain) - 1) * float(gain.std(ddof=1)) / math.sqrt(len(gain))
    mean = float(gain.mean())
    if mean - half > 0:
        return None
    constant = float(pairs["loss_constant"].to_numpy().mean())
    return Finding(
        name="not_learning",
        level="error" if mean <= 0 else "warning",
        message=f"The network is not clearly better than always giving the same answer: on validation its loss is "
        f"{constant - mean:.3g}, that of the constant answer {constant:.3g} (gain {mean:.3g}, 95 % interval "
        f"{mean - half:.3g} to {mean + half:.3g}). Look at the data with penjing inspect, then try another rate with "
        "--set optimiser.rate.",
        evidence={"gain": mean, "low": mean - half, "high": mean + half, "items": len(gain)},
        remedies=("--set optimiser.rate",),
    )


def sick() -> Record:
    """Answers as good as a coin."""
    return example_answers(network=[0.5, 0.9] * 50, constant=[0.69] * 100)


def healthy() -> Record:
    """Answers that are mostly right."""
    return example_answers(network=[0.1, 0.5] * 50, constant=[0.69] * 100)
