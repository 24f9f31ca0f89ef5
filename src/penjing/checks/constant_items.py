"""Pictures of one colour all over.

**What it sees.** Pictures outside the test part in which no pixel differs visibly from another: black frames,
blank pages, a lens cap.

**Why it is bad.** There is nothing in them to learn from, and the model learns their class as the answer to an
empty picture.

**Known false alarms.** Data in which an empty picture is an answer ("no cell here").

**What to do.** Look at the named files; pass over them with `--ignore`, or mark them `drop` in a file for
`--corrections`.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import FLAT, LISTED, open_items, spoken, survey_of
from penjing.checks._examples import Example
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("survey", "survey.spread")


def look(record: Record) -> Finding | None:
    """The pictures without any contrast, or None when there are none."""
    items = open_items(survey_of(record))
    flat = items.filter(pl.col("spread") < FLAT)
    if flat.is_empty():
        return None
    return Finding(
        name="constant_items",
        level="warning",
        message=f"Of one colour all over: {len(flat):,} of {len(items):,} pictures outside the test part "
        f"({spoken(flat['name'])}). Unless an empty picture is an answer, pass over them with --ignore.",
        evidence={"constant": len(flat), "items": len(items), "flat": FLAT},
        items=tuple(flat["name"].head(LISTED)),
        remedies=("--ignore", "--corrections"),
    )


def sick() -> Record:
    """Every tenth picture is black."""
    return Example(columns={"spread": [0 if row % 10 == 0 else 200 for row in range(800)]}).record


def healthy() -> Record:
    """Every picture has something in it."""
    return Example().record
