"""Too few examples: twice as many would make it clearly better.

**What it sees.** The same training with half and a quarter of its training items (whole groups of them, where there are
groups), judged on the same validation items. A power law through the errors says what twice the data would give, with a
95% interval that holds the luck of the items and of the seeds. Where that interval reaches to nothing it is good to
know only: more data help nearly always, and how much is what is uncertain.

**Why it is bad.** It is not a fault of the training: no setting gives what more data would.

**Known false alarms.** The law holds for items of the same kind; more copies of what is there give nothing. A network
that is too small for more data gains less. A training that goes wrong for another reason may go less wrong with more
items: where that reason is found, or a simple model makes more of the same items, this is good to know only.

**What to do.** Gather more items, of the classes that are mixed up first. Until then augmentation, and features
learned elsewhere.

Source: J. Hestness et al., Deep learning scaling is predictable, empirically, 2017.
"""

from __future__ import annotations

from penjing.checks import HAMPERS, NotExamined, class_answers, over_simple
from penjing.checks._examples import example_trials
from penjing.checks._trials import (
    LONGER_WANTED,
    cut_short,
    is_repeated,
    is_settled,
    last_of,
    measured,
    twice_the_data,
)
from penjing.core.finding import Finding
from penjing.core.record import Record

GATHER = "Gather more, of the classes that are mixed up first."
NEEDS = ("trials.share",)
FOLLOWS = (*HAMPERS, "diverged", "stopped_early", "small_model", "label_errors")
PICTURE = "learning_curve"
WORTH = 0.01  # of the metric, that twice the data give
MUCH = 0.05
FEWEST = 30  # items, to tell whether a simple model makes more of them


def look(record: Record) -> Finding | NotExamined | None:
    """What twice the data would give, or None where that is little."""
    row = last_of(record, "share")
    if not is_settled(row):
        return NotExamined("few_examples", (LONGER_WANTED,))
    found = twice_the_data(record)
    if found is None or found.gain < WORTH * found.unit or found.likely < WORTH * found.unit / 2:
        return None
    given, low, high = (measured(one, found.unit, is_signed=True) for one in (found.gain, found.low, found.high))
    is_beaten = _is_beaten(record)
    is_sure = found.low >= WORTH * found.unit / 2 and is_repeated(record, row) and not is_beaten
    return Finding(
        name="few_examples",
        level="warning" if found.gain >= MUCH * found.unit and is_sure else "info",
        message=f"There are few examples: twice as many would give about {given} ({low} to {high}) of {found.metric}. "
        + ("A simple model makes more of those that there are." if is_beaten else GATHER)
        + cut_short(row),
        evidence={"gain": found.gain, "low": found.low, "high": found.high, "metric": found.metric},
        remedies=("--pretrained",),
    )


def _is_beaten(record: Record) -> bool:
    """Whether a simple model is clearly better on the same items: then these are not what is missing most."""
    if record.items is None or not {"loss", "model", "probability"} <= set(record.items.columns):
        return False
    measure = "right" if len(class_answers(record)) else "loss"
    return any(one.high < 0 for one in over_simple(record, measure, FEWEST).values())


def sick() -> Record:
    """Errors that fall by a quarter with every doubling."""
    return example_trials(
        {"experiment": "share", "setting": "0.5", "gain": -0.05},
        {"experiment": "share", "setting": "0.25", "gain": -0.12},
    )


def healthy() -> Record:
    """Errors that are the same with half of the data."""
    return example_trials(
        {"experiment": "share", "setting": "0.5", "gain": -0.001},
        {"experiment": "share", "setting": "0.25", "gain": -0.002},
    )
