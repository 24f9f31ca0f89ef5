"""Single gradients are many times as large as the usual one.

**What it sees.** The norm of the gradient at every evaluation, before it was clipped: the largest beside the median.

**Why it is bad.** One such update can undo what hundreds have learned, and a few of them end in a loss that is not a
number.

**Known false alarms.** Gradients are large in the first updates of many networks, which is why the first evaluation
does not count. Where the gradient is clipped already, little harm is done.

**What to do.** Clip the gradient, begin with a lower rate, or warm it up longer.
"""

from __future__ import annotations

import numpy as np

from penjing.checks import example_steps, series, sound_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.gradient/norm",)
PICTURE = "gradient"
FEWEST = 5  # evaluations
TIMES = 50.0  # the median
# Near a loss of zero the usual gradient is almost nothing and any batch that is not yet right stands out.
LEAST = 10.0


def look(record: Record) -> Finding | None:
    """How much larger the largest gradient was, or None when none was."""
    norms = series(sound_steps(record), "gradient/norm")
    if len(norms) < FEWEST:
        return None
    usual, largest = float(np.median(norms)), float(norms[1:].max())
    if largest < TIMES * usual or largest < LEAST:
        return None
    return Finding(
        name="exploding_gradient",
        level="warning",
        message=f"Gradients explode: the largest one seen had a norm of {largest:.3g}, {largest / usual:,.0f} times "
        "the usual one. Clip them with --set training.clip_norm=1, or lower the rate.",
        evidence={"largest": largest, "median": usual},
        remedies=("--set training.clip_norm=1", "--set optimiser.rate"),
    )


def sick() -> Record:
    """One gradient a thousand times the usual one."""
    return example_steps(gradient__norm=[2.0, 1.8, 1.5, 1.4, 1.2, 1500.0, 1.1, 1.0, 0.9, 0.9])


def healthy() -> Record:
    """Gradients that become smaller by and by."""
    return example_steps()
