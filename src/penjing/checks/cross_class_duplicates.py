"""One picture under two classes: a likely label error.

**What it sees.** Duplicates outside the test part whose two labels differ.

**Why it is bad.** At least one of the labels is wrong, or the classes overlap. The model is asked to give two
answers to one picture, and whichever it gives is counted as a mistake.

**Known false alarms.** Near duplicates where the class is in a small detail: a part before and after it was
repaired.

**What to do.** `penjing inspect DATA --suspects FILE.csv` writes them down; put the right label (or `drop`) in
that file and give it back with `penjing fit DATA --corrections FILE.csv`. Where pictures really belong to two
classes, join those with `--merge`.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import LISTED, Example, counted, first, open_pairs, survey_of
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("survey", "survey.target")


def look(record: Record) -> Finding | None:
    """The items whose copy has another label, or None when there are none."""
    pairs = open_pairs(survey_of(record)).filter(pl.col("target_a") != pl.col("target_b"))
    if pairs.is_empty():
        return None
    pairs = pairs.sort("kind", maintain_order=True)  # "exact" before "near": the surest first
    names = pl.concat([pairs["name_a"], pairs["name_b"]]).unique(maintain_order=True)
    surest = pairs.row(0, named=True)
    exact = len(pairs.filter(kind="exact"))
    return Finding(
        name="cross_class_duplicates",
        level="warning",
        message=f"Pairs that show one picture under two classes: {len(pairs):,} ({exact:,} exactly the same), such as "
        f"{surest['name_a']} ({surest['target_a']}) and {surest['name_b']} ({surest['target_b']}). These are likely "
        "label errors: write them down with --suspects FILE.csv, correct that file, and give it to fit with "
        "--corrections.",
        evidence={"pairs": len(pairs), "exact": exact, "items": len(names), "classes": _classes(pairs)},
        items=tuple(names.head(LISTED)),
        remedies=("--suspects", "--corrections", "--merge"),
    )


def _classes(pairs: pl.DataFrame) -> dict[str, int]:
    """Pairs for every two classes that meet, the most first."""
    both = pairs.select(pl.concat_list("target_a", "target_b").list.sort().list.join(" / ").alias("classes"))
    return first(counted(both["classes"]))


def sick() -> Record:
    """Two pictures are both among the cats and among the dogs."""
    return Example(pairs=[(0, 400, "near"), (5, 405, "exact")]).record


def healthy() -> Record:
    """There are copies, each under its own class, and one pair across classes that only the test part could tell."""
    return Example(pairs=[(0, 1, "exact"), (400, 401, "near"), (4, 404, "exact")]).record
