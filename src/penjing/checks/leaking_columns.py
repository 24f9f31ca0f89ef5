"""Columns that are the answer under another name.

**What it sees.** Columns of a table from each of whose values the target follows without exception, and which
have as few values as there are classes, or are the target's numbers up to a scale; outside the test part.

**Why it is bad.** A column that is filled in together with the answer is not there when the answer is wanted. The
score is perfect and worth nothing.

**Known false alarms.** A question that is really that easy.

**What to do.** Leave them out of `--input`, unless they are known before the answer is.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import LISTED, spoken
from penjing.checks._examples import example_columns
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("columns",)


def look(record: Record) -> Finding | None:
    """The columns that tell the target, or None when there are none."""
    columns = record.columns
    assert columns is not None
    telling = columns.filter(pl.col("tells_target"))
    if telling.is_empty():
        return None
    return Finding(
        name="leaking_columns",
        level="error",
        message=f"Columns that are the target under other names: {len(telling):,} ({spoken(telling['name'])}). Unless "
        "they are known before the answer is, leave them out of --input: the score would be perfect and worth nothing.",
        evidence={"columns": telling["name"].head(LISTED).to_list(), "number": len(telling)},
        remedies=("--input",),
    )


def sick() -> Record:
    """A code for the diagnosis stands beside the diagnosis."""
    return example_columns({"name": "diagnosis_code", "type": "category", "distinct": 2, "tells_target": True})


def healthy() -> Record:
    """Ordinary columns."""
    return example_columns()
