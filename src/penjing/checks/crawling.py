"""The weights hardly move: the rate is too low for the number of updates.

**What it sees.** How far all updates together could have moved the weights, beside their size, in the median layer: the
size of an update at each evaluation times the updates since the one before. And whether the training loss was still
high and falling at the end, or had not moved at all and the network knows nothing.

**Why it is bad.** Most of the time is spent on the way. A higher rate gets as far in a fraction of the updates.

**Known false alarms.** A network that begins from good weights (`--from`) is meant to move little. Very large weights
move by small shares.

**What to do.** A rate of three to ten times as much.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from penjing.checks import CONSTANT, gain, series, sound_steps
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.step", "steps.layer/*/update_ratio", "steps.train/loss")
FOLLOWS = ("dead_units", "saturated_units", "vanishing_gradient")
PICTURE = "updates"
FEWEST = 4  # evaluations
FEW = 0.02  # of their size, what all updates together move the weights at most
REACHED = 0.5  # of the first loss that must be left for slowness to matter
STOOD = 0.95  # of the first loss: above it there was no way yet that could be seen to go down


def look(record: Record) -> Finding | None:
    """How small the updates were, or None."""
    steps = sound_steps(record)
    losses = series(steps, "train/loss")
    ratios = (steps.select("step", name).drop_nulls() for name in steps.columns if _is_ratio(name))
    ways = [_way(layer) for layer in ratios if len(layer)]
    if len(losses) < FEWEST or not ways:
        return None
    way = float(np.median(ways))
    updates = int(series(steps, "step")[-1])
    left = float(losses[-1] / losses[0]) if losses[0] > 0 else 0.0
    is_falling = losses[-1] < losses[len(losses) // 2]
    if way >= FEW or left < REACHED or not (is_falling or (left > STOOD and _knows_nothing(record))):
        return None
    course = f"from {losses[0]:.3g} to {losses[-1]:.3g}"
    told = f"went {course} only" if left < 1 else f"did not fall ({course})"
    return Finding(
        name="crawling",
        level="warning",
        message=f"It crawls: {updates:,} updates together moved a layer's weights by {way:.1%} of their size at most, "
        f"and the training loss {told}. Raise the rate with --set optimiser.rate.",
        evidence={"way": way, "update_ratio": way / max(1, updates), "left": left},
        remedies=("--set optimiser.rate",),
    )


def _is_ratio(name: str) -> bool:
    return name.startswith("layer/") and name.endswith("/update_ratio")


def _way(ratios: pl.DataFrame) -> float:
    """How far a layer could have moved, of its size: each update as large as the one that was seen after it.

    Args:
        ratios: `step`, and the size of the update there.
    """
    at, ratio = (ratios[name].to_numpy().astype(np.float64) for name in ratios.columns)
    return float((ratio * np.diff(at, prepend=0.0)).sum())


def _knows_nothing(record: Record) -> bool:
    """Whether the network is known to be no better than the constant answer: good weights may stand still."""
    found = None if record.items is None else gain(record, "loss", CONSTANT)
    return found is not None and found.low <= 0


def sick() -> Record:
    """A loss that creeps, with tiny updates."""
    changed = {f"layer__{layer}__update_ratio": 1e-5 for layer in ("first", "second", "third", "last")}
    return example_steps(train__loss=[1.2 - 0.01 * row for row in range(10)], **changed)


def healthy() -> Record:
    """Ordinary updates."""
    return example_steps()
