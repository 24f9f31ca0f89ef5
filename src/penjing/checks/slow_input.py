"""The network waits for its data.

**What it sees.** The seconds that the training and its evaluations waited for items, beside all their seconds.

**Why it is bad.** The deadline is spent on decoding and augmenting instead of learning.

**Known false alarms.** A small network on a fast machine always waits for something; what is lost is then little, which
is why a training of a few seconds does not count.

**What to do.** Take fewer or cheaper augmentations, a smaller canvas for pictures, leave the loader a core with
`--set machine.threads`, or bring the data nearer: a slow disk or network is waited for whatever the recipe says.
"""

from __future__ import annotations

from penjing.checks import inputs_of, series, steps_of
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.seconds", "steps.stalled_seconds")
PICTURE = "waiting"
SHARE = 0.35  # healthy trainings of small tables waited for 0.30 of their time
LEAST_SECONDS = 5.0
SEEN = {"image", "video"}  # inputs that have a canvas
MANY = 2  # threads, where it is not known how many there were


def look(record: Record) -> Finding | None:
    """The share of the time that was spent waiting, or None when it was little."""
    steps = steps_of(record)
    seconds, stalled = float(series(steps, "seconds")[-1]), float(series(steps, "stalled_seconds")[-1])
    if seconds < LEAST_SECONDS or stalled < SHARE * seconds:
        return None
    advice, remedies = _advice(record)
    return Finding(
        name="slow_input",
        level="warning",
        message=f"The network waited {stalled:.0f} of {seconds:.0f} seconds for its data. {advice}",
        evidence={"seconds": seconds, "stalled_seconds": stalled, "share": stalled / seconds},
        remedies=remedies,
    )


def _advice(record: Record) -> tuple[str, tuple[str, ...]]:
    """What may help with these inputs and choices, in a sentence and as what to type; what is unknown may be so."""
    choices = record.choices or {}
    kinds = None if record.inputs is None else set(inputs_of(record)["modality"])
    ways: list[tuple[str, str]] = []
    if choices.get("augment", record.choices is None):
        ways.append(("fewer augmentations", "--set augment=[]"))
    if kinds is None or kinds & SEEN:
        ways.append(("a smaller canvas with --side", "--side"))
    if choices.get("machine.threads", MANY) > 1:
        ways.append(("a core for the loader with --set machine.threads=1", "--set machine.threads=1"))
    told = [*(way for way, _ in ways), "data on a faster disk"]
    return f"What may help: {', '.join(told)}.", tuple(remedy for _, remedy in ways)


def sick() -> Record:
    """Half the time spent waiting."""
    return example_steps(stalled_seconds=[3.0 * (row + 1) for row in range(10)])


def healthy() -> Record:
    """Next to no waiting."""
    return example_steps()
