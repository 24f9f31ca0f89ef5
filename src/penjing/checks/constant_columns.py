"""Columns that are the same for every item.

**What it sees.** Columns of a table with one value outside the test part in all of their cells, or with none at all.

**Why it is bad.** Nothing can be learned from them, and a new item with another value surprises the network.

**Known false alarms.** A sample in which a rare value happens not to occur.

**What to do.** Leave them out of `--input`, or look where their values went.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import LISTED, spoken
from penjing.checks._examples import example_columns
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("columns",)


def look(record: Record) -> Finding | None:
    """The columns with one value, or None when there are none."""
    columns = record.columns
    assert columns is not None
    # Where one value stands in some cells and nothing in others, that is what may tell something.
    constant = columns.filter((pl.col("distinct") + (pl.col("missing") > 0) <= 1) & (pl.col("items") > 1))
    if constant.is_empty():
        return None
    return Finding(
        name="constant_columns",
        level="info",
        message=f"Columns with one value, or none: {len(constant):,} of {len(columns):,} ({spoken(constant['name'])}). "
        "Nothing can be learned from them; leave them out of --input.",
        evidence={"columns": constant["name"].head(LISTED).to_list(), "number": len(constant)},
        remedies=("--input",),
    )


def sick() -> Record:
    """Every item is from one country."""
    return example_columns({"name": "country", "type": "category", "distinct": 1, "missing": 0.0})


def healthy() -> Record:
    """Ordinary columns."""
    return example_columns()
