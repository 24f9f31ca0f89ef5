"""A class whose items all belong together.

**What it sees.** Classes of `FEW` items or more outside the test part that are all in one group: one that a name or a
column tells, or copies and look-alikes of each other.

**Why it is bad.** A group is never divided, so the whole class is in one part. Where that is not the part that is
learned from, the network never meets the class and all of it is wrong; where it is, nothing judges the class. With
folds, each judges it by a network that never met it.

**Known false alarms.** Very simple drawings may be taken for copies, for they differ in less than a thumbnail shows;
what follows from it is as true.

**What to do.** Add items of this class that come from elsewhere; or leave it out with `--exclude`, or join it to its
nearest relative with `--merge`. Where a name or a column tells what belongs together, choose a finer one.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from jaxtyping import Int

from penjing.checks import LISTED, open_items, spoken, survey_of
from penjing.checks._examples import Example
from penjing.core import duplicates
from penjing.core.finding import Finding
from penjing.core.record import Record, Survey
from penjing.core.spread import unit_of_item

NEEDS = ("survey", "survey.target")
FEW = 10  # items; of smaller classes `tiny_classes` speaks


def look(record: Record) -> Finding | None:
    """The classes of a single group, or None where each has several."""
    survey = survey_of(record)
    items = open_items(survey).with_columns(unit=pl.lit(_units(survey)).gather(pl.col("row"))).drop_nulls("target")
    counts = items.group_by("target", maintain_order=True).agg(pl.len().alias("items"), pl.col("unit").n_unique())
    whole = counts.filter((pl.col("unit") == 1) & (pl.col("items") >= FEW))
    if whole.is_empty() or len(counts) == 1:
        return None
    named = [f"{name} {count}" for name, count, _ in whole.iter_rows()]
    return Finding(
        name="undivided_class",
        level="warning",
        message=f"Classes whose items all belong together, as copies, look-alikes or one group: {len(whole):,} of "
        f"{len(counts):,} ({spoken(named)}). What belongs together stays in one part, so such a class is learned from "
        "or judged, never both. Add items of it that come from elsewhere, or use --merge or --exclude.",
        evidence={"classes": dict(whole.select("target", "items").head(LISTED).iter_rows()), "number": len(whole)},
        remedies=("--merge", "--exclude"),
    )


def _units(survey: Survey) -> Int[np.ndarray, " items"]:
    """What is dealt to one part as a whole: a number for each item, the same of those that belong together."""
    items, pairs = len(survey.items), survey.pairs
    found = duplicates.Pairs(pairs["a"].to_numpy(), pairs["b"].to_numpy(), pairs["kind"].to_numpy(), 0.0)
    named = unit_of_item(survey.items["group"].to_list(), items)
    return duplicates.joined(duplicates.groups(items, found), named)


def sick() -> Record:
    """Twenty pictures of one plush owl beside hundreds of cats."""
    groups = [*[None] * 400, *["the plush owl"] * 20]
    return Example(
        {"cat": 400, "owl": 20}, columns={"group": groups, "part": [*["train"] * 400, *["valid"] * 20]}
    ).record


def healthy() -> Record:
    """Two owls, of ten pictures each."""
    groups = [*[None] * 400, *["plush owl"] * 10, *["wooden owl"] * 10]
    return Example({"cat": 400, "owl": 20}, columns={"group": groups}).record
