"""Classes with hardly anything to learn from.

**What it sees.** Classes with very few training items, or with none.

**Why it is bad.** A handful of pictures does not show how much a class varies, and a score over one or two
validation items is a toss of a coin.

**Known false alarms.** Things that always look the same, such as printed symbols, can be learned from a few
pictures. Where nearly all classes are small, these are not worse off than the rest: that is good to know.

**What to do.** Add items to these classes; or join them to their nearest relative with `--merge`; or leave them
out with `--exclude`.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import LISTED, open_items, spoken, survey_of
from penjing.checks._examples import Example
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("survey", "survey.target")
# With fewer than this, a usual split leaves one or two items of the class to validate on.
FEW = 10
SMALL = 2 * FEW  # where half of the classes have fewer, all there is is little, and `few_items` says so


def look(record: Record) -> Finding | None:
    """The classes with fewer than `FEW` training items, or None when there are none."""
    items = open_items(survey_of(record)).drop_nulls("target")
    counts = items.group_by("target", maintain_order=True).agg((pl.col("part") == "train").sum().alias("train"))
    tiny = counts.filter(pl.col("train") < FEW).sort("train", maintain_order=True)
    if tiny.is_empty():
        return None
    named = [f"{name} {count}" for name, count in tiny.iter_rows()]
    is_small_throughout = float(counts["train"].median() or 0.0) < SMALL  # type: ignore[arg-type]
    return Finding(
        name="tiny_classes",
        level="info" if is_small_throughout else "warning",
        message=f"Classes with fewer than {FEW} training items: {len(tiny):,} of {len(counts):,} ({spoken(named)}). "
        "Add items, or use --merge or --exclude; a score for such a class is little more than chance.",
        evidence={"classes": dict(tiny.head(LISTED).iter_rows()), "number": len(tiny), "few": FEW},
        remedies=("--merge", "--exclude"),
    )


def sick() -> Record:
    """Seven owls among hundreds of cats."""
    return Example({"cat": 400, "owl": 7}).record


def healthy() -> Record:
    """Twenty owls are few, but not that few."""
    return Example({"cat": 100, "owl": 20}).record
