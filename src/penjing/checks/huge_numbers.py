"""Columns with numbers that no measurement gives.

**What it sees.** Columns of numbers whose least or largest value outside the test part is infinite or beyond 10¹⁸,
where numbers are cut.

**Why it is bad.** An infinity is mostly a division by zero, and a huge number a slip or a mark for "unknown"; a network
takes either for a measurement. Numbers of accounts and posts that are as long are names, and cut they are all the same.

**Known false alarms.** Counts of atoms, and other quantities that really are as large.

**What to do.** Leave the cell empty where nothing was measured; a network is told that a value is missing. Give large
quantities in larger units or as logarithms, and long numbers that are names in quotes, as a column of classes.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import LISTED, spoken
from penjing.checks._examples import example_columns
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("columns",)
HUGE = 1e18  # what the modality "number" cuts at


def look(record: Record) -> Finding | None:
    """The columns with huge numbers, or None when there are none."""
    columns = record.columns
    assert columns is not None
    numbers = columns.filter(pl.col("type") == "number").drop_nulls("least")
    reach = {
        name: (least, most)
        for name, least, most in numbers.select("name", "least", "most").iter_rows()
        if max(abs(_number(least)), abs(_number(most))) > HUGE
    }
    if not reach:
        return None
    named = [f"{name} from {least} to {most}" for name, (least, most) in reach.items()]
    return Finding(
        name="huge_numbers",
        level="info",
        message=f"Columns with numbers that no measurement gives: {len(reach):,} of {len(columns):,} "
        f"({spoken(named)}). What is beyond 1e18 is cut there; leave the cell empty where nothing was measured.",
        evidence={"columns": {name: list(ends) for name, ends in list(reach.items())[:LISTED]}, "number": len(reach)},
        remedies=("--input",),
    )


def _number(shown: str) -> float:
    return float(shown.replace(",", ""))


def sick() -> Record:
    """A share of nothing."""
    return example_columns({"name": "clicks a view", "least": "0", "most": "inf"})


def healthy() -> Record:
    """Ordinary columns, and one of large numbers."""
    return example_columns({"name": "revenue", "least": "-12,000", "most": "4.1e+12"})
