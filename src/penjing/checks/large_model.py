"""A network of half the width is about as good.

**What it sees.** The same training with a network of half the width, judged on the same validation items.

**Why it is bad.** It is not, for the answers; but the network takes more time, memory and room than it needs.

**Known false alarms.** On few validation items a small loss cannot be seen: the interval says how large it could be,
and may reach three points.

**What to do.** --set model.width, where size or speed matter.
"""

from __future__ import annotations

from penjing.checks import shown
from penjing.checks._examples import example_trials
from penjing.checks._trials import trials_of, widened
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("trials.smaller",)
PICTURE = "trials"
LOST = 0.01  # of the metric
MOST_LOST = 0.03  # at the worse end of the interval, or as much as the score itself is uncertain by
SMALLER = 0.6  # of the parameters: a network that hardly shrank tells nothing


def look(record: Record) -> Finding | None:
    """How little the smaller network loses, or None where it loses something."""
    row = trials_of(record, "smaller").row(-1, named=True)
    itself = trials_of(record, "itself").row(-1, named=True)
    gain, low, high = widened(record, row)
    uncertain = (itself["high"] - itself["low"]) / 2
    is_as_good = gain >= -LOST and low >= -max(MOST_LOST, uncertain)
    if not is_as_good or not itself["parameters"] or row["parameters"] > SMALLER * itself["parameters"]:
        return None
    return Finding(
        name="large_model",
        level="info",
        message=f"The network is larger than needed: one of half the width, with {row['parameters']:,} instead of "
        f"{itself['parameters']:,} weights, is about as good ({shown(gain, is_signed=True)}, "
        f"{shown(low, is_signed=True)} to {shown(high, is_signed=True)} of {row['metric']}).",
        evidence={"gain": gain, "low": low, "parameters": row["parameters"]},
        remedies=("--set model.width",),
    )


def sick() -> Record:
    """Half the width, and nothing lost."""
    row = {"experiment": "smaller", "gain": 0.001, "gain_low": -0.004, "gain_high": 0.006, "parameters": 25_000}
    return example_trials(row)


def healthy() -> Record:
    """Half the width, and three points lost."""
    return example_trials({"experiment": "smaller", "gain": -0.03, "parameters": 25_000})
