"""Validation items are of another kind than those that are learned from.

**What it sees.** For each input column and the target, the distance between training and validation
(Kolmogorov-Smirnov of its values, or of the brightness, contrast, detail, length of an item; total variation of
classes), beside how often chance alone sets items, or whole groups of them, that far apart.

**Why it is bad.** The score on validation, by which everything is chosen, then tells of another kind of items than are
learned from; and it will tell little of a third kind.

**Known false alarms.** Columns that number the items do not count: which numbers a part has says how it was dealt.
Parts that are dealt by time drift because the world does: the score is then honest, and the drift is what one wants to
know. Of many columns a few drift by chance; that is counted in.

**What to do.** Where the parts came with the data, see how they were made, and have them dealt anew with `--split none`
unless that is what the network will meet: then gather training items of that kind. `penjing treat` tries to learn from
both parts, in folds, and keeps that where it helps.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import shown, spoken
from penjing.checks._examples import example_inputs
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("inputs.drift",)
PICTURE = "drift"
APART = 0.2  # of a distance from 0 to 1
RARE = 1e-4  # a chance smaller than this, over all columns


def look(record: Record) -> Finding | None:
    """What drifts, or None."""
    assert record.inputs is not None
    rows = record.inputs.drop_nulls(["drift", "drift_p"]).sort("drift", descending=True)
    if "numbered" in rows.columns:
        rows = rows.filter(~pl.col("numbered").fill_null(value=False))
    found = [row for row in rows.iter_rows(named=True) if row["drift"] >= APART and row["drift_p"] * len(rows) < RARE]
    if not found:
        return None
    told = spoken(f"{row['column']} ({_said(row)}, {shown(row['drift'])} apart)" for row in found)
    return Finding(
        name="drift",
        level="warning",
        message=f"Validation items differ from those that are learned from, in {told}. See how the parts were made "
        "(--split none deals those anew that came with the data), and gather items of the kind that the network will "
        "meet.",
        evidence={"drift": {str(row["column"]): float(row["drift"]) for row in found}},
        remedies=("--split none",),
    )


def _said(row: dict[str, object]) -> str:
    return "target" if row["role"] == "target" else str(row["drift_of"])


def sick() -> Record:
    """A column that is another one in validation."""
    return example_inputs({"drift": 0.5, "drift_p": 1e-12})


def healthy() -> Record:
    """Columns as far apart as chance sets them."""
    return example_inputs({"drift": 0.09, "drift_p": 0.2})
