"""The loss is not a number any more.

**What it sees.** Evaluations whose losses were infinite or not a number, down to the last one. A loss that comes back
is one bad batch or one bad evaluation.

**Why it is bad.** From there on nothing is learned: every weight that such a gradient touched is lost.

**Known false alarms.** None. Where an earlier evaluation was sound its weights were kept, and the run can be used.

**What to do.** Take a tenth of the rate, clip the gradient, and look for inputs that are not numbers.
"""

from __future__ import annotations

from penjing.checks import lost_rows, steps_of
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record
from penjing.core.report.text import many

NEEDS = ("steps",)
PICTURE = "losses"


def look(record: Record) -> Finding | None:
    """The first evaluation from which on no loss is a number, or None."""
    steps = steps_of(record)
    lost = lost_rows(steps)
    if not lost or not lost[-1]:  # one bad batch, or one bad evaluation
        return None
    before = max((row + 1 for row, is_lost in enumerate(lost) if not is_lost), default=0)
    first = int(steps["step"][before])
    kept = "the weights of before were kept" if before else "no weights of before are kept"
    told = f"after {many(first, record.counted, f'{record.counted}s')} its loss was not a number any more"
    if record.is_foreign:
        advice = f"{told}. Go back to weights of before, take a tenth of the rate, or clip the gradient."
    else:
        advice = f"{told}; {kept}. Take a tenth of the rate, or clip the gradient with --set training.clip_norm=1."
    return Finding(
        name="diverged",
        level="error",
        message=f"The training diverged: {advice}",
        evidence={"step": first, "evaluations_before": before},
        remedies=() if record.is_foreign else ("--set optimiser.rate", "--set training.clip_norm=1"),
    )


def sick() -> Record:
    """A loss that is not a number from the fourth evaluation on."""
    lost = [None] * 3 + [["train/running_loss", "train/loss"]] * 7
    return example_steps(train__loss=[1.2, 3.0, 9.0] + [None] * 7, non_finite=lost)


def healthy() -> Record:
    """A loss that falls."""
    return example_steps()
