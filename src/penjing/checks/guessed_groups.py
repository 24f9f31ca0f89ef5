"""File names, or a column, that suggest groups which nobody named.

**What it sees.** A pattern in the names, such as mouse01_03.png, that divides the items into a few groups; or a column
of a table that is named like a person or an animal, or holds p01, p02 and so on again and again.

**Why it is bad.** Pictures of one animal, patient or film look alike for reasons that have nothing to do with
the class. If some of them are learned from and others tested, the score says how well the model knows those
animals, not how well it will do on the next one.

**Known false alarms.** Names that a camera or a program counted up, where the number before the separator means
nothing.

**What to do.** Name the groups: `--group-from 'mouse\\d+'`, or `--group COLUMN` in a table. If they mean
nothing, go on.
"""

from __future__ import annotations

from penjing.checks import survey_of
from penjing.checks._examples import Example
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("survey",)
FOLLOWS = ("leaking_columns",)


def look(record: Record) -> Finding | None:
    """The pattern and the number of groups it makes, or None where groups are named or none are to be seen."""
    survey = survey_of(record)
    pattern = survey.hints.get("group_pattern")
    column = survey.hints.get("group_column")
    if not (pattern or column) or survey.items["group"].null_count() < len(survey.items):
        return None
    number = int(survey.hints.get("groups", 0))
    option = f"--group {column}" if column else f"--group-from '{pattern}'"
    where = f'The column "{column}" suggests' if column else "File names suggest"
    return Finding(
        name="guessed_groups",
        level="warning",
        message=f"{where} {number:,} groups. If items of one group belong together (one animal, one "
        f"patient), say {option}, or the score will be too good.",
        evidence={"column" if column else "pattern": str(column or pattern), "groups": number},
        remedies=(option,),
    )


def sick() -> Record:
    """The names speak of twelve mice and no group is named."""
    return Example(hints={"group_pattern": r"mouse\d+", "groups": 12}).record


def healthy() -> Record:
    """The names speak of twelve mice, and those are the groups."""
    groups = [f"mouse{row % 12:02}" for row in range(800)]
    return Example(columns={"group": groups}, hints={"group_pattern": r"mouse\d+", "groups": 12}).record
