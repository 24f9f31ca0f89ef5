"""Files that cannot be read.

**What it sees.** Items whose content or header could not be read, and why. They are left out of everything.

**Why it is bad.** A half-copied folder or a failing disk looks like this. Where one class loses more than the
others, the model learns from a picture of the world that the data did not have.

**Known false alarms.** Files that are no pictures at all but are named like some.

**What to do.** Copy them again from where they came; or pass over them with `--ignore`.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import LISTED, counted, first, spoken, survey_of
from penjing.checks._examples import Example
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("survey",)
# Beyond this share it is no accident; `fit` stops here too unless it is told otherwise.
MANY = 0.05


def look(record: Record) -> Finding | None:
    """The unreadable items, or None when all could be read."""
    items = survey_of(record).items
    bad = items.filter(pl.col("error").is_not_null())
    if bad.is_empty():
        return None
    share = len(bad) / len(items)
    reasons = first(counted(bad["error"]))
    return Finding(
        name="unreadable",
        level="error" if share > MANY else "warning",
        message=f"Unreadable and left out: {len(bad):,} of {len(items):,} items ({spoken(bad['name'])}). "
        "Copy them again from where they came, or pass over them with --ignore.",
        evidence={"unreadable": len(bad), "items": len(items), "share": share, "reasons": reasons},
        items=tuple(bad["name"].head(LISTED)),
        remedies=("--ignore", "--most-unreadable"),
    )


def sick() -> Record:
    """One file in five is damaged."""
    damaged = [None, None, None, None, "it is damaged or incomplete"] * 20
    return Example({"cat": 50, "dog": 50}, columns={"error": damaged}).record


def healthy() -> Record:
    """Every file can be read."""
    return Example().record
