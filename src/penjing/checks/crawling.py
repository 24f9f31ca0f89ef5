"""The weights hardly move: the rate is too low for the number of updates.

**What it sees.** How large an update is beside the weights it changes, in the median layer at its largest, and whether
the training loss was still high and falling at the end, or had not moved at all and the network knows nothing.

**Why it is bad.** Most of the time is spent on the way. A higher rate gets as far in a fraction of the updates.

**Known false alarms.** A network that begins from good weights (`--from`) is meant to move little. Very large weights
move by small shares.

**What to do.** A rate of three to ten times as much.
"""

from __future__ import annotations

import numpy as np

from penjing.checks import CONSTANT, by_layer, gain, series, sound_steps
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.step", "steps.layer/*/update_ratio", "steps.train/loss")
FOLLOWS = ("dead_units", "saturated_units", "vanishing_gradient")
PICTURE = "updates"
FEWEST = 4  # evaluations
SMALL = 1e-4  # of a weight, an update
REACHED = 0.5  # of the first loss that must be left for slowness to matter
STOOD = 0.95  # of the first loss: above it there was no way yet that could be seen to go down


def look(record: Record) -> Finding | None:
    """How small the updates were, or None."""
    steps = sound_steps(record)
    losses = series(steps, "train/loss")
    ratios = by_layer(steps, "layer", "update_ratio")
    if len(losses) < FEWEST or not ratios:
        return None
    largest = {layer: float(np.max(values)) for layer, values in ratios.items()}
    ratio = float(np.median(list(largest.values())))
    left = float(losses[-1] / losses[0]) if losses[0] > 0 else 0.0
    is_falling = losses[-1] < losses[len(losses) // 2]
    if ratio >= SMALL or left < REACHED or not (is_falling or (left > STOOD and _knows_nothing(record))):
        return None
    return Finding(
        name="crawling",
        level="warning",
        message=f"It crawls: an update moves a layer's weights by {ratio:.1e} of their size at most, and the training "
        f"loss went from {losses[0]:.3g} to {losses[-1]:.3g} only. Raise the rate with --set "
        "optimiser.rate.",
        evidence={"update_ratio": ratio, "left": left},
        remedies=("--set optimiser.rate",),
    )


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
