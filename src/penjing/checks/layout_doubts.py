"""What may have been misunderstood when the data were opened.

**What it sees.** What the source was not sure of: folder names that look like dates or sizes, classes that
differ only in case, files left out, rows without a label.

**Why it is bad.** A folder named 2024 taken for a class makes a model that tells years apart.

**Known false alarms.** Many: a doubt is a question, not a fault.

**What to do.** Read them once; each ends with the option that settles it.
"""

from __future__ import annotations

from penjing.checks import survey_of
from penjing.checks._examples import Example
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("survey",)
FOLLOWS = ("leaking_columns",)


def look(record: Record) -> Finding | None:
    """The source's doubts, or None when it has none. Guessed groups have a check of their own."""
    survey = survey_of(record)
    pattern = str(survey.hints.get("group_pattern") or "")
    of_column = survey.hints.get("group_doubt")
    doubts = [doubt for doubt in survey.doubts if not (pattern and pattern in doubt) and doubt != of_column]
    if not doubts:
        return None
    return Finding(
        name="layout_doubts",
        level="info",  # a question, and no trouble yet
        message=f"Please check: {'. '.join(doubts)}.",
        evidence={"doubts": doubts},
        remedies=("--target", "--ignore", "--merge"),
    )


def sick() -> Record:
    """The classes look like years."""
    return Example(
        doubts=("the folder names 2023, 2024 look like dates; if they are not the classes, use --target",)
    ).record


def healthy() -> Record:
    """Nothing was doubtful but the groups, which another check speaks of."""
    doubt = "names suggest 12 groups (mouse01…mouse12): use --group-from 'mouse\\d+'"
    return Example(hints={"group_pattern": r"mouse\d+", "groups": 12}, doubts=(doubt,)).record
