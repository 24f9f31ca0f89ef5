"""Columns that are mostly empty.

**What it sees.** Columns of a table in which more than half of the cells are missing outside the test part.

**Why it is bad.** What is there may say little of the items where it is missing, and why a cell is empty may tell
the answer: a form that is only filled in afterwards.

**Known false alarms.** Empty cells that mean "none", such as the quality of a pool where there is no pool.

**What to do.** Ask why they are empty. A network is told that a value is missing, so they may stay.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import LISTED, spoken
from penjing.checks._examples import example_columns
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("columns",)
# Beyond it a column says more by being empty than by its values.
MOSTLY = 0.5


def look(record: Record) -> Finding | None:
    """The columns that are mostly empty, or None when there are none."""
    columns = record.columns
    assert columns is not None
    empty = columns.filter((pl.col("missing") > MOSTLY) & (pl.col("distinct") > 1)).sort("missing", descending=True)
    if empty.is_empty():
        return None
    named = [f"{name} {share:.0%}" for name, share in empty.select("name", "missing").iter_rows()]
    return Finding(
        name="missing_values",
        level="info",
        message=f"Columns with more than half of their cells missing: {len(empty):,} of {len(columns):,} "
        f"({spoken(named)}). Ask why they are empty: a cell that is filled in only after the answer is known "
        "gives it away.",
        evidence={"missing": dict(empty.select("name", "missing").head(LISTED).iter_rows()), "number": len(empty)},
        remedies=("--input",),
    )


def sick() -> Record:
    """Hardly any house has a pool."""
    return example_columns({"name": "pool", "missing": 0.96})


def healthy() -> Record:
    """Ordinary columns."""
    return example_columns()
