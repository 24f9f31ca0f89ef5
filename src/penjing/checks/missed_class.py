"""A class is hardly ever recognised, while others are.

**What it sees.** The share of each class's validation items that are given that class, where there are enough of them
and they are of several groups.

**Why it is bad.** The accuracy may look well, for it counts the other classes; whoever needs the missed class gets
nothing.

**Known false alarms.** A class that cannot be told from another by what the items hold is missed by any network.

**What to do.** Let every class weigh the same with `--class-weights balanced`, choose by balanced accuracy or macro-F1,
and look at what it is taken for in the report.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import HAMPERS, class_answers, spoken, units_of
from penjing.checks._examples import example_classes
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("items.target", "items.predicted", "items.probability", "items.model")
FOLLOWS = (*HAMPERS, "diverged", "not_learning", "underfit", "drift")
PICTURE = "recall"
FEWEST, FEWEST_GROUPS = 8, 3  # items of a class, and groups that they are of: one speaker may be hard by himself
MISSED, OTHERS = 0.10, 0.50  # recall of a missed class, and the mean recall of the others
MOST = 0.5  # of the items: where more are missed, the network knows little at all


def look(record: Record) -> Finding | None:
    """The missed classes, or None."""
    assert record.items is not None
    answers = class_answers(record)
    if answers.is_empty():
        return None
    recalls = (
        answers.with_columns(unit=pl.Series(units_of(answers)))
        .group_by("target")
        .agg(n=pl.len(), units=pl.col("unit").n_unique(), recall=(pl.col("target") == pl.col("predicted")).mean())
        .filter(pl.col("n") >= FEWEST, pl.col("units") >= FEWEST_GROUPS)
        .select("target", "n", "recall")
        .sort("recall", "target")
    )
    missed = recalls.filter(pl.col("recall") <= MISSED)
    # Where most are missed, the network answers at random or always the same: `not_learning` speaks.
    if missed["n"].sum() > MOST * len(answers):
        return None
    others = recalls.filter(pl.col("recall") > MISSED)["recall"].mean()
    if missed.is_empty() or not isinstance(others, float) or others < OTHERS:
        return None
    found = {str(name): float(recall) for name, _, recall in missed.iter_rows()}
    told = spoken(f"{name} ({recall:.0%} of {n:,})" for name, n, recall in missed.iter_rows())
    return Finding(
        name="missed_class",
        level="warning",
        message=f"Hardly recognised: {told}, while of the other classes {others:.0%} are. Let every class weigh the "
        "same with --class-weights balanced, and choose by --metric balanced_accuracy.",
        evidence={"recall": found, "others": others},
        remedies=("--class-weights balanced", "--metric balanced_accuracy"),
    )


def sick() -> Record:
    """Ninety cats and ten dogs, and "cat" every time."""
    return example_classes({"network": [("cat", "cat", 0.9)] * 90 + [("dog", "cat", 0.8)] * 10})


def healthy() -> Record:
    """Ninety cats and ten dogs, half of which are recognised."""
    dogs = [("dog", "dog", 0.7)] * 5 + [("dog", "cat", 0.6)] * 5
    return example_classes({"network": [("cat", "cat", 0.9)] * 90 + dogs})
