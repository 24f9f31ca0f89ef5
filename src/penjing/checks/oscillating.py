"""The loss jumps up and down to the end instead of settling.

**What it sees.** Over the second half of the evaluations, how far the loss on the training items moved up and down
beside the way that it made, as a share of where it stood.

**Why it is bad.** The updates leap over what they look for. Which weights are kept is luck, and they are worse than
what smaller steps would have reached.

**Known false alarms.** Very few training items, or a loss that is nearly nothing, move by large shares for small
reasons; losses below a hundredth of the first one are left out.

**What to do.** A lower rate, a schedule that falls to zero, larger batches, or a moving average of the weights.
"""

from __future__ import annotations

import numpy as np

from penjing.checks import example_steps, series, sound_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.train/loss",)
PICTURE = "losses"
FEWEST = 6  # evaluations
BACK_AND_FORTH = 0.8  # of the mean level, summed over the second half
SETTLED = 0.01  # of the first loss


def look(record: Record) -> Finding | None:
    """How much it jumps, or None."""
    losses = series(sound_steps(record), "train/loss")
    if len(losses) < FEWEST:
        return None
    late = losses[len(losses) // 2 :]
    level = float(np.abs(late).mean())
    way = float(np.abs(np.diff(late)).sum())
    detour = (way - abs(float(late[-1] - late[0]))) / max(level, 1e-12)
    if detour < BACK_AND_FORTH * len(late) / 5 or level < SETTLED * abs(float(losses[0])):
        return None
    return Finding(
        name="oscillating",
        level="warning",
        message=f"The loss does not settle: over the last {len(late)} evaluations it went up and down between "
        f"{late.min():.3g} and {late.max():.3g}. Lower the rate with --set optimiser.rate, or let it fall to zero with "
        "--set schedule=one_cycle.",
        evidence={"detour": detour, "least": float(late.min()), "most": float(late.max()), "level": level},
        remedies=("--set optimiser.rate", "--set schedule=one_cycle"),
    )


def sick() -> Record:
    """A loss that leaps."""
    return example_steps(train__loss=[1.2, 0.8, 1.1, 0.7, 1.2, 0.6, 1.1, 0.5, 1.0, 0.6])


def healthy() -> Record:
    """A loss that trembles a little on its way."""
    return example_steps(train__loss=[1.2, 0.9, 0.7, 0.55, 0.5, 0.46, 0.49, 0.4, 0.42, 0.38])
