"""The same item more than once.

**What it sees.** Pairs of items outside the test part that are equal byte for byte or pixel for pixel, or
nearly so: recompressed, resized, cropped or brightened.

**Why it is bad.** Copies add no information, so there is less data than it looks, and what is copied often
counts more. They cannot flatter the score, because the split keeps them together.

**Known false alarms.** Pictures that differ in a detail smaller than a thumbnail shows, such as two slides of
one cell culture. Rows of a table with few columns are alike without being copies.

**What to do.** A few are no matter. If there are many, find out where they come from: frames of one film, or a
picture saved twice, mean that a group should be named with `--group-from`.
"""

from __future__ import annotations

from penjing.checks import LISTED, noun, open_items, open_pairs, survey_of
from penjing.checks._examples import Example
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("survey",)
# With more copies than this share, the number of items says too little about how much there is to learn from.
MANY = 0.1


def look(record: Record) -> Finding | None:
    """How many items repeat another one, or None when none does."""
    survey = survey_of(record)
    pairs = open_pairs(survey)
    if pairs.is_empty():
        return None
    exact = pairs.filter(kind="exact")["name_b"].n_unique()
    copies = pairs["name_b"].unique(maintain_order=True)
    total = len(open_items(survey))
    share = len(copies) / total
    thing = noun(survey)
    advice = "They are kept in one part, so they do not flatter the score."
    if share > MANY:
        advice += " So many mean less data than it seems: if they belong together, name the groups with --group-from."
    return Finding(
        name="duplicates",
        level="warning" if share > MANY else "info",
        message=f"Copies of other {thing}s outside the test part: {len(copies):,} of {total:,} ({exact:,} exact, "
        f"{len(copies) - exact:,} near). {advice}",
        evidence={
            "copies": len(copies),
            "exact": exact,
            "near": len(copies) - exact,
            "pairs": len(pairs),
            "share": share,
        },
        items=tuple(copies.head(LISTED)),
        remedies=("--group-from",) if share > MANY else (),
    )


def sick() -> Record:
    """A fifth of the training items is there twice."""
    rows = range(0, 400, 5)
    return Example(pairs=[(row, row + 1, "exact" if row % 2 else "near") for row in rows]).record


def healthy() -> Record:
    """Every picture is there once."""
    return Example().record
