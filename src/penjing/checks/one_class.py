"""Only one class is left, so there is nothing to tell apart.

**What it sees.** Labelled data whose usable items outside the test part all have the same label.

**Why it is bad.** Whatever is learned always gives that one answer, and is always right on these data.

**Known false alarms.** None, when classifying.

**What to do.** Look where the labels come from (`--target`), whether `--classes`, `--exclude` or
`--corrections` left out too much, or whether a given test part holds the other classes.
"""

from __future__ import annotations

from penjing.checks import counted, open_items, survey_of
from penjing.checks._examples import Example
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("survey", "survey.target")


def look(record: Record) -> Finding | None:
    """The only class, or None when there are several."""
    counts = counted(open_items(survey_of(record))["target"])
    if len(counts) != 1:
        return None
    ((name, count),) = counts.items()
    return Finding(
        name="one_class",
        level="error",
        message=f"All {count:,} items to learn from are of one class, {name}: there is nothing to tell apart. Look "
        "where the labels come from with --target, and what --classes, --exclude and --corrections leave out.",
        evidence={"class": name, "items": count},
        remedies=("--target", "--classes", "--exclude"),
    )


def sick() -> Record:
    """Cats alone."""
    return Example({"cat": 300}).record


def healthy() -> Record:
    """Cats and dogs."""
    return Example().record
