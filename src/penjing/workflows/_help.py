"""What would help a training most, where experiments tell: more data, cleaner labels, a larger network, more time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from penjing.checks._trials import (
    WHOLE,
    is_settled,
    last_of,
    measured,
    trials_of,
    twice_the_data,
    unit_of,
    widened,
)
from penjing.core.record import Record

# What may help → the experiment that tells.
EXPERIMENTS: Mapping[str, str] = {
    "twice the data": "share",
    "cleaner labels": "cleaned",
    "a larger network": "larger",
    "twice the updates": "longer",
}


@dataclass(frozen=True)
class Help:
    """What something would be worth.

    Attributes:
        what: in plain words.
        gain: of the metric; None where no experiment tells.
        low: lower end of the 95% interval.
        high: upper end.
        metric: its name.
        unit: what a difference of one means in it, as `checks._trials.unit_of` says.
        share: of the run's updates that the trainings took which tell it.
        why: why no experiment can tell it in this run; "" where one can.
    """

    what: str
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    metric: str = ""
    unit: float = 1.0
    share: float = 1.0
    why: str = ""

    def __str__(self) -> str:
        if self.gain is None or self.low is None or self.high is None:
            return f"{self.what}: not examined{f', for {self.why}' * bool(self.why)}"
        gain, low, high = (measured(one, self.unit, is_signed=True) for one in (self.gain, self.low, self.high))
        doubt = "" if self.low > 0 or self.high < 0 else "; may be chance"
        short = "" if self.share >= WHOLE else f", of trainings with {self.share:.0%} of its updates"
        return f"{self.what}: {gain} of {self.metric} ({low} to {high}{doubt}){short}"


def what_helps(record: Record) -> list[Help]:
    """What would help, the most promising first and what was not examined last; nothing without experiments."""
    if record.trials is None or record.trials.is_empty():
        return []
    found = [_told(record, what, experiment) for what, experiment in EXPERIMENTS.items()]
    return sorted(found, key=lambda one: (one.gain is None, -(one.gain or 0.0)))


def _told(record: Record, what: str, experiment: str) -> Help:
    rows = trials_of(record, experiment)
    if rows.is_empty():
        return Help(what)
    row = last_of(record, experiment)
    if not is_settled(row):  # as the checks, which say nothing of it then
        return Help(what)
    share = float(row["share"])
    if experiment == "share":
        promise = twice_the_data(record)
        if promise is None:
            return Help(what)
        return Help(what, promise.gain, promise.low, promise.high, promise.metric, promise.unit, share)
    if experiment == "cleaned" and row["setting"] == "0":
        return Help(f"{what} (none is doubted)", 0.0, 0.0, 0.0, str(row["metric"]), unit_of(row), share)
    if experiment == "cleaned":
        what = f"{what} ({row['setting']} doubted ones left out)"
    return Help(what, *widened(record, row), metric=str(row["metric"]), unit=unit_of(row), share=share)
