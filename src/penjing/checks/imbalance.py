"""Classes of very different size.

**What it sees.** The largest and the smallest class outside the test part.

**Why it is bad.** Accuracy is then mostly about the large classes: always naming the largest one already scores
high, and a model can earn a good score without ever naming the small ones.

**Known false alarms.** Where no class has half of the items accuracy says little of the rare ones and is not misled:
that is good to know, and `missed_class` tells of a training whether they are recognised. Where the rare class is what
you are looking for, it matters most; where it does not matter, nothing is wrong.

**What to do.** Read balanced accuracy, or macro-F1, and the confusion matrix instead of accuracy; let the rare
classes weigh more with `--class-weights balanced`; for two classes choose the threshold by its cost with
`--threshold`.
"""

from __future__ import annotations

from penjing.checks import counted, first, open_items, survey_of
from penjing.checks._examples import Example
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("survey", "survey.target")
# At this ratio the largest of two classes is three quarters of all items: accuracy starts to be about that class.
UNEVEN = 3.0
# Here always naming the largest of two classes scores above 90%, as much as many a useful model.
VERY_UNEVEN = 10.0
MISLEADING = 0.5  # of the items in the largest class, from which on accuracy is mostly about it


def look(record: Record) -> Finding | None:
    """How uneven the classes are, or None when they are not."""
    counts = counted(open_items(survey_of(record))["target"])
    if len(counts) < 2:
        return None
    largest, smallest = next(iter(counts)), next(reversed(counts))
    most, least = counts[largest], counts[smallest]
    ratio = most / least
    if ratio < UNEVEN:
        return None
    share = most / sum(counts.values())
    return Finding(
        name="imbalance",
        level="warning" if ratio >= VERY_UNEVEN and share >= MISLEADING else "info",
        message=f"Outside the test part {largest} has {most:,} items and {smallest} {least:,}: always naming "
        f"{largest} is right in {share:.0%} of the cases. Read balanced accuracy, and let rare classes weigh more with "
        "--class-weights balanced.",
        evidence={"counts": first(counts), "ratio": ratio, "largest_share": share},
        remedies=("--class-weights balanced", "--metric balanced_accuracy"),
    )


def sick() -> Record:
    """Twenty times as many cats as dogs."""
    return Example({"cat": 1000, "dog": 50}).record


def healthy() -> Record:
    """Twice as many cats as dogs."""
    return Example({"cat": 400, "dog": 200}).record
