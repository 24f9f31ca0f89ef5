"""A larger network is clearly better, on its training items too.

**What it sees.** The same training with a network of twice the width, or of half the usual one where that is more,
judged on the same validation items; and the loss of both on training items, where it shows first that one cannot take
up what the data hold.

**Why it is bad.** The network is too small to take up what the data hold.

**Known false alarms.** On few validation items the better of two is often so by chance; the interval must be clear.
Where the larger network is only one lucky seed of many, its loss on training items would be no lower than theirs.

**What to do.** --set model.width, and the time that it takes.
"""

from __future__ import annotations

import math

import numpy as np

from penjing.checks import NotExamined
from penjing.checks._examples import example_trials
from penjing.checks._trials import (
    EDGE,
    LONGER_WANTED,
    beside,
    cut_short,
    error_behind,
    is_repeated,
    is_settled,
    itself_beside,
    last_of,
    luck_of,
    repeats_of,
    seeds_of,
    told,
    unit_of,
    widened,
)
from penjing.core.finding import Finding
from penjing.core.record import Record
from penjing.core.spread import student_t

NEEDS = ("trials.larger",)
PICTURE = "trials"
WORTH = 0.01  # of the metric
FITS_BETTER = 0.05  # of the loss of the constant answer, that the larger network's loss on training items is lower
RARE = 0.025  # chance that one side of a 95% interval leaves
LEAST_LOSS = 1e-6  # on training items, of the constant answer's: below, both know all of them


def look(record: Record) -> Finding | NotExamined | None:
    """What the larger network gains, or None where that is little."""
    row = last_of(record, "larger")
    if not is_settled(row):
        return NotExamined("small_model", (LONGER_WANTED,))
    gain, low, high = widened(record, row)
    if not row["parameters"] or gain < WORTH * unit_of(row) or not _fits_better(record):
        return None
    is_above = _ranks_above(record, gain)
    if low <= 0 and not is_above and not _holds_more(record):
        return None
    always = f" With any of {len(repeats_of(record, row))} seeds it is better than this one with any." * is_above
    itself = itself_beside(record, row)
    return Finding(
        name="small_model",
        level="warning" if is_repeated(record, row) else "info",
        message=f"The network is small for these data: a larger one, with {row['parameters']:,} instead of "
        f"{itself['parameters'] or 0:,} weights, gains {told(gain, row, is_signed=True)} "
        f"({told(low, row, is_signed=True)} to {told(high, row, is_signed=True)}) of {row['metric']}. "
        f"Take a larger one with --set model.width.{always}" + cut_short(row),
        evidence={"gain": gain, "low": low, "high": high, "parameters": row["parameters"]},
        remedies=("--set model.width",),
    )


def _losses(record: Record) -> tuple[np.ndarray, np.ndarray] | None:
    """The losses on training items, of the network and of the larger one, each with all its seeds, as shares of what
    the constant answer loses; None where they are not known."""
    row = last_of(record, "larger")
    own = [itself_beside(record, row), *beside(record, "seed", row).to_dicts()]
    larger = repeats_of(record, row).to_dicts()
    if any(one.get("train_loss") is None or not one.get("floor_loss") for one in (*own, *larger)):
        return None
    small, large = ([one["train_loss"] / one["floor_loss"] for one in some] for some in (own, larger))
    return np.maximum(small, LEAST_LOSS), np.maximum(large, LEAST_LOSS)


def _fits_better(record: Record) -> bool:
    """Whether the larger network knows its training items better than the other does where its seed is unlucky: one
    that knows them with any seed is not too small. True where that is not known."""
    losses = _losses(record)
    return losses is None or bool(losses[0].max() - losses[1].mean() >= FITS_BETTER)


def _ranks_above(record: Record, gain: float) -> bool:
    """Whether the larger network with any seed is better than the other with any: of so many trainings in any order
    that is as rare as an interval asks for, however unlike the luck of the two is. The items must tell it too.

    Source: F. Wilcoxon, Individual comparisons by ranking methods, 1945.
    """
    row = last_of(record, "larger")
    own, larger = seeds_of(record, row), repeats_of(record, row)
    is_rare = 1 / math.comb(len(own) + len(larger), len(larger)) <= RARE
    half = EDGE * float(np.mean([error_behind(one["gain_low"], one["gain_high"]) for one in larger.to_dicts()]))
    return is_rare and gain > half and bool(larger["gain"].to_numpy().min() > own.max())


def _holds_more(record: Record) -> bool:
    """Whether the larger network is more than another lucky seed: its loss on training items is clearly below theirs,
    and on validation items it is better than each of them."""
    losses, row = _losses(record), last_of(record, "larger")
    if losses is None:
        return False
    small, large = (np.log(one) for one in losses)
    luck, freedom = luck_of(small, large)
    if not freedom:
        return False
    least = student_t(0.975, freedom) * math.sqrt(luck * (1 / len(small) + 1 / len(large)))
    best = float(seeds_of(record, row).max())
    is_best = float(repeats_of(record, row)["gain"].to_numpy().min()) > best
    return bool(small.mean() - large.mean() > least and is_best)


def sick() -> Record:
    """Three points more with twice the width, whatever the seed."""
    seed = {"experiment": "seed", "setting": "1", "gain": 0.002}
    return example_trials({"experiment": "larger", "gain": 0.03, "parameters": 400_000}, seed, {**seed, "setting": "2"})


def healthy() -> Record:
    """No more with twice the width."""
    return example_trials({"experiment": "larger", "gain": 0.002, "parameters": 400_000})
