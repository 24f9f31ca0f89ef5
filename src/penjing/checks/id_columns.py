"""Columns that name or number the items instead of describing them.

**What it sees.** Columns of categories that are different for nearly every item, and whole numbers that count the
rows.

**Why it is bad.** A number that was given to an item says nothing of the next one. Where the numbers were given
in order, they may tell the answer: first all healthy, then all ill.

**Known false alarms.** A measurement that happens to be taken in equal steps.

**What to do.** Leave them out of `--input`; where they name what several items belong to, say `--group`.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import LISTED, spoken
from penjing.checks._examples import example_columns
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("columns",)
NAMES = ("category",)
# Share of the filled cells that are different.
DIFFERENT = 0.9
# With fewer different values a column may be an ordinary one of a small table.
FEW = 20


def look(record: Record) -> Finding | None:
    """The columns that name items, or None when there are none."""
    columns = record.columns
    assert columns is not None
    is_name = pl.col("type").is_in(NAMES) & (
        pl.col("distinct") >= DIFFERENT * pl.col("items") * (1 - pl.col("missing"))
    )
    named = columns.filter((pl.col("distinct") >= FEW) & (is_name | pl.col("counts_up")))
    if named.is_empty():
        return None
    return Finding(
        name="id_columns",
        level="warning",
        message=f"Columns that seem to name or number the items: {len(named):,} of {len(columns):,} "
        f"({spoken(named['name'])}). They say nothing of new items; leave them out of --input, or use them as --group.",
        evidence={"columns": named["name"].head(LISTED).to_list(), "number": len(named)},
        remedies=("--input", "--group"),
    )


def sick() -> Record:
    """Every customer has a number."""
    return example_columns({"name": "customer", "type": "category", "distinct": 495})


def healthy() -> Record:
    """Ordinary columns."""
    return example_columns()
