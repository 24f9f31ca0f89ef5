"""A network of twice the width is clearly better.

**What it sees.** The same training with a network of twice the width, judged on the same validation items.

**Why it is bad.** The network is too small to take up what the data hold.

**Known false alarms.** On few validation items the better of two is often so by chance; the interval must be clear.

**What to do.** --set model.width, and the time that it takes.
"""

from __future__ import annotations

from penjing.checks import shown
from penjing.checks._examples import example_trials
from penjing.checks._trials import trials_of, widened
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("trials.larger",)
PICTURE = "trials"
WORTH = 0.01  # of the metric


def look(record: Record) -> Finding | None:
    """What the larger network gains, or None where that is little."""
    row = trials_of(record, "larger").row(-1, named=True)
    gain, low, high = widened(record, row)
    if gain < WORTH or low <= 0:
        return None
    return Finding(
        name="small_model",
        level="warning",
        message=f"The network is small for these data: one of twice the width gains {shown(gain, is_signed=True)} "
        f"({shown(low, is_signed=True)} to {shown(high, is_signed=True)}) of {row['metric']}. Take a larger one with "
        "--set model.width.",
        evidence={"gain": gain, "low": low, "high": high, "parameters": row["parameters"]},
        remedies=("--set model.width",),
    )


def sick() -> Record:
    """Three points more with twice the width."""
    return example_trials({"experiment": "larger", "gain": 0.03, "parameters": 400_000})


def healthy() -> Record:
    """No more with twice the width."""
    return example_trials({"experiment": "larger", "gain": 0.002, "parameters": 400_000})
