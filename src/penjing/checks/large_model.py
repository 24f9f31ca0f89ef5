"""A network of half the width is about as good.

**What it sees.** The same training with a network of half the width, judged on the same validation items: how little of
the metric it may lose, or how little its loss may grow.

**Why it is bad.** It is not, for the answers; but the network takes more time, memory and room than it needs.

**Known false alarms.** On few validation items a small loss cannot be seen: the interval says how large it could be,
and may reach three points. Of a network that knows no more than the constant answer nothing is said: there is nothing
to lose.

**What to do.** --set model.width, where size or speed matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penjing.checks import NotExamined
from penjing.checks._examples import example_trials
from penjing.checks._trials import (
    LONGER_WANTED,
    cut_short,
    is_settled,
    itself_beside,
    last_of,
    told,
    unit_of,
    widened,
)
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("trials.smaller",)
PICTURE = "trials"
LOST = 0.01  # of the metric
MOST_LOST = 0.03  # at the worse end of the interval, or as much as the score itself is uncertain by
MOST_LOSS = 0.03  # of the loss of the constant answer, that the loss may grow by at the worse end of its interval
SMALLER = 0.6  # of the parameters: a network that hardly shrank tells nothing


def look(record: Record) -> Finding | NotExamined | None:
    """How little the smaller network loses, or None where it loses something."""
    row = last_of(record, "smaller")
    if not is_settled(row):
        return NotExamined("large_model", (LONGER_WANTED,))
    itself = itself_beside(record, row)
    if not itself["parameters"] or not row["parameters"]:  # one of the trainings diverged
        return None
    if row["parameters"] > SMALLER * itself["parameters"] or not _knows_something(itself):
        return None
    gain, low, high = widened(record, row)
    if gain < -LOST * unit_of(row) or not (low >= -_most_lost(itself) or _keeps_its_loss(record, row)):
        return None
    return Finding(
        name="large_model",
        level="info",
        message=f"The network is larger than needed: one of half the width, with {row['parameters']:,} instead of "
        f"{itself['parameters']:,} weights, is about as good ({told(gain, row, is_signed=True)}, "
        f"{told(low, row, is_signed=True)} to {told(high, row, is_signed=True)} of {row['metric']})." + cut_short(row),
        evidence={"gain": gain, "low": low, "parameters": row["parameters"]},
        remedies=("--set model.width",),
    )


def _knows_something(itself: Mapping[str, Any]) -> bool:
    """Whether the network is surely better than the constant answer."""
    if itself["is_higher_better"]:
        return bool(itself["low"] > itself["floor"])
    return bool(itself["high"] < itself["floor"])


def _most_lost(itself: Mapping[str, Any]) -> float:
    return float(max(MOST_LOST * unit_of(itself), (itself["high"] - itself["low"]) / 2))


def _keeps_its_loss(record: Record, row: Mapping[str, Any]) -> bool:
    """Whether the loss surely grows little, which fewer items tell than the metric takes; False where it is unknown."""
    if row.get("loss_gain") is None or not row.get("floor_loss"):
        return False
    return widened(record, row, "loss_gain")[1] >= -MOST_LOSS * float(row["floor_loss"])


def sick() -> Record:
    """Half the width, and nothing lost."""
    row = {"experiment": "smaller", "gain": 0.001, "gain_low": -0.004, "gain_high": 0.006, "parameters": 25_000}
    return example_trials(row)


def healthy() -> Record:
    """Half the width, and three points lost."""
    return example_trials({"experiment": "smaller", "gain": -0.03, "parameters": 25_000})
