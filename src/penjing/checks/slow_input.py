"""The network waits for its data.

**What it sees.** The seconds that the training waited for batches, beside all its seconds.

**Why it is bad.** The deadline is spent on decoding and augmenting instead of learning.

**Known false alarms.** A small network on a fast machine always waits for something; what is lost is then little, which
is why a training of a few seconds does not count.

**What to do.** Take fewer or cheaper augmentations, a smaller canvas, or leave the loader a core with
`--set machine.threads`.
"""

from __future__ import annotations

from penjing.checks import series, steps_of
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.seconds", "steps.stalled_seconds")
PICTURE = "waiting"
SHARE = 0.35  # healthy trainings of small tables waited for 0.30 of their time
LEAST_SECONDS = 5.0


def look(record: Record) -> Finding | None:
    """The share of the time that was spent waiting, or None when it was little."""
    steps = steps_of(record)
    seconds, stalled = float(series(steps, "seconds")[-1]), float(series(steps, "stalled_seconds")[-1])
    if seconds < LEAST_SECONDS or stalled < SHARE * seconds:
        return None
    return Finding(
        name="slow_input",
        level="warning",
        message=f"The network waited {stalled:.0f} of {seconds:.0f} seconds for its data. Take fewer augmentations, a "
        "smaller canvas with --side, or leave the loader a core with --set machine.threads=1.",
        evidence={"seconds": seconds, "stalled_seconds": stalled, "share": stalled / seconds},
        remedies=("--side", "--set machine.threads=1"),
    )


def sick() -> Record:
    """Half the time spent waiting."""
    return example_steps(stalled_seconds=[3.0 * (row + 1) for row in range(10)])


def healthy() -> Record:
    """Next to no waiting."""
    return example_steps()
