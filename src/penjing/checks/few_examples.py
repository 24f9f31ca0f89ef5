"""Too few examples: twice as many would make it clearly better.

**What it sees.** The same training with half and a quarter of its training items, judged on the same validation items.
A power law through the errors says what twice the data would give, with a 95 % interval.

**Why it is bad.** It is not a fault of the training: no setting gives what more data would.

**Known false alarms.** The law holds for items of the same kind; more copies of what is there give nothing. A network
that is too small for more data gains less.

**What to do.** Gather more items, of the classes that are mixed up first. Until then augmentation, and features
learned elsewhere.

Source: J. Hestness et al., Deep learning scaling is predictable, empirically, 2017.
"""

from __future__ import annotations

from penjing.checks import shown
from penjing.checks._examples import example_trials
from penjing.checks._trials import twice_the_data
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("trials.share",)
PICTURE = "learning_curve"
WORTH = 0.01  # of the metric, that twice the data give
MUCH = 0.05


def look(record: Record) -> Finding | None:
    """What twice the data would give, or None where that is little."""
    found = twice_the_data(record)
    if found is None or found.gain < WORTH or found.low < WORTH / 2:
        return None
    return Finding(
        name="few_examples",
        level="warning" if found.gain >= MUCH else "info",
        message=f"There are few examples: twice as many would give about {shown(found.gain, is_signed=True)} "
        f"({shown(found.low, is_signed=True)} to {shown(found.high, is_signed=True)}) of {found.metric}. Gather more, "
        "of the classes that are mixed up first.",
        evidence={"gain": found.gain, "low": found.low, "high": found.high, "metric": found.metric},
        remedies=("--pretrained",),
    )


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
