"""One item under two classes: a likely label error, or columns that cannot tell the classes apart.

**What it sees.** Duplicates outside the test part whose two labels differ.

**Why it is bad.** At least one of the labels is wrong, or the classes overlap. The model is asked to give two
answers to one item, and whichever it gives is counted as a mistake.

**Known false alarms.** Near duplicates where the class is in a small detail: a part before and after it was
repaired. Rows of a table with few columns: two customers may be alike in every column and differ all the same. A pair
or two are in most data, and good to know.

**What to do.** `penjing inspect DATA --suspects FILE.csv` writes them down; put the right label (or `drop`) in
that file and give it back with `penjing fit DATA --corrections FILE.csv`. Where pictures really belong to two
classes, join those with `--merge`.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import LISTED, counted, first, noun, open_items, open_pairs, survey_of
from penjing.checks._examples import Example
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("survey", "survey.target")
MANY = 0.005  # of the items that may be named, the pairs from which on they matter


def look(record: Record) -> Finding | None:
    """The items whose copy has another label, or None when there are none."""
    survey = survey_of(record)
    pairs = open_pairs(survey).filter(pl.col("target_a") != pl.col("target_b"))
    if pairs.is_empty():
        return None
    pairs = pairs.sort("kind", maintain_order=True)  # "exact" before "near": the surest first
    names = pl.concat([pairs["name_a"], pairs["name_b"]]).unique(maintain_order=True)
    surest = pairs.row(0, named=True)
    exact = len(pairs.filter(kind="exact"))
    thing = noun(survey)
    is_row = thing == "row"
    example = f"{surest['name_a']} ({surest['target_a']}) and {surest['name_b']} ({surest['target_b']})"
    return Finding(
        name="cross_class_duplicates",
        level="info" if is_row or len(pairs) < MANY * len(open_items(survey)) else "warning",
        message=_of_rows(len(pairs), example)
        if is_row
        else f"Pairs that show one {thing} under two classes: {len(pairs):,} ({exact:,} exactly the same), such as "
        f"{example}. These are likely label errors: write them down with --suspects FILE.csv, correct that file, and "
        "give it to fit with --corrections.",
        evidence={"pairs": len(pairs), "exact": exact, "items": len(names), "classes": _classes(pairs)},
        items=tuple(names.head(LISTED)),
        remedies=("--suspects", "--corrections", "--merge"),
    )


def _of_rows(pairs: int, example: str) -> str:
    return (
        f"Pairs of rows that are the same in every column but not in their class: {pairs:,}, such as {example}. With "
        "few columns that is ordinary, and no model can tell them apart; only where rows should be unique look for "
        "errors, with --suspects FILE.csv."
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
