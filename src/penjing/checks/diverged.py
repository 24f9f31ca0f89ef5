"""The loss is not a number any more.

**What it sees.** Evaluations whose losses were infinite or not a number.

**Why it is bad.** From there on nothing is learned: every weight that such a gradient touched is lost.

**Known false alarms.** None. Where an earlier evaluation was sound its weights were kept, and the run can be used.

**What to do.** Take a tenth of the rate, clip the gradient, and look for inputs that are not numbers.
"""

from __future__ import annotations

from penjing.checks import lost_rows, steps_of
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps",)
PICTURE = "losses"


def look(record: Record) -> Finding | None:
    """The first evaluation whose loss is not a number, or None."""
    steps = steps_of(record)
    lost = lost_rows(steps)
    if True not in lost:
        return None
    before = lost.index(True)
    first = int(steps["step"][before])
    kept = "the weights of before were kept" if before else "no weights of before are kept"
    return Finding(
        name="diverged",
        level="error",
        message=f"The training diverged: after {first:,} updates its loss was not a number any more; {kept}. Take a "
        "tenth of the rate, or clip the gradient with --set training.clip_norm=1.",
        evidence={"step": first, "evaluations_before": before},
        remedies=("--set optimiser.rate", "--set training.clip_norm=1"),
    )


def sick() -> Record:
    """A loss that is not a number from the fourth evaluation on."""
    lost = [None] * 3 + [["train/running_loss", "train/loss"]] * 7
    return example_steps(train__loss=[1.2, 3.0, 9.0] + [None] * 7, non_finite=lost)


def healthy() -> Record:
    """A loss that falls."""
    return example_steps()
