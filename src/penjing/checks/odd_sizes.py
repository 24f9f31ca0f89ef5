"""Pictures of very different sizes or shapes, or hardly larger than a stamp.

**What it sees.** Outside the test part: very small pictures; pictures that are enlarged a lot to fill the
canvas; a wide mix of sizes; very long or very tall pictures.

**Why it is bad.** An enlarged picture is blurred and a long one is mostly bars on a square canvas. If one class
has other sizes than another, because it came from another camera, the model learns to tell the cameras apart.

**Known false alarms.** A mix of sizes from one camera and cropping by hand is harmless.

**What to do.** Look whether size goes with class. `--side` sets the canvas, `--canvas crop` takes the middle of
long pictures instead of adding bars, `--ignore` passes over pictures that got in by mistake (icons,
thumbnails).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from penjing.checks import LISTED, open_items, spoken, survey_of
from penjing.checks._examples import Example
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("survey", "survey.height", "survey.width")
# Icons: with so few pixels a side even a person cannot tell what most things are.
VERY_SMALL = 16
# A picture whose pixels are spread over this many pixels of the canvas, or more, is blurred to the eye.
ENLARGED = 2.0
# The long sides of the largest and the smallest twentieth differ by this factor: sizes of several sources.
WIDE_MIX = 4.0
# From this ratio of the sides on, more than half of a square canvas is bars.
LONG = 2.0
# Below this share, odd pictures are oddities; above it they are how the data are.
FEW = 0.05


def look(record: Record) -> Finding | None:
    """What is odd about the sizes, or None when nothing is."""
    survey = survey_of(record)
    items = open_items(survey).drop_nulls(["height", "width"])
    if items.is_empty():
        return None
    longer = pl.max_horizontal("height", "width")
    items = items.with_columns(longer=longer, ratio=longer / pl.min_horizontal("height", "width"))
    side = survey.hints.get("side") or items["longer"].median()
    odd = {
        "small": items.filter(pl.col("longer") < VERY_SMALL),
        "enlarged": items.filter(pl.col("longer") * ENLARGED < side),
        "long": items.filter(pl.col("ratio") > LONG),
    }
    counts = {kind: len(rows) for kind, rows in odd.items()}
    mix = _mix(items["longer"])
    said = _words(counts, mix)
    if not said:
        return None
    names = pl.concat([rows["name"] for rows in odd.values()]).unique(maintain_order=True)
    named = f" ({spoken(names)})" if len(names) else ""
    return Finding(
        name="odd_sizes",
        level="warning" if max(counts.values()) > FEW * len(items) else "info",
        message=f"Of {len(items):,} pictures outside the test part {', '.join(said)}{named}. "
        "Look whether size goes with class; see --side, --canvas and --ignore.",
        evidence={**counts, "mix": mix, "items": len(items), "smallest": items["longer"].min(), "canvas": side},
        items=tuple(names.head(LISTED)),
        remedies=("--side", "--canvas crop", "--ignore"),
    )


def _mix(longer: pl.Series) -> float:
    """How many times the long sides of the largest twentieth are those of the smallest twentieth."""
    return float(longer.quantile(0.95) or 1) / max(1.0, float(longer.quantile(0.05) or 1))


def _words(counts: Mapping[str, int], mix: float) -> list[str]:
    words = {
        "small": f"are smaller than {VERY_SMALL} pixels",
        "enlarged": f"are enlarged more than {ENLARGED:g} times to fill the canvas",
        "long": f"have one side more than {LONG:g} times the other",
    }
    said = [f"{count:,} {words[kind]}" for kind, count in counts.items() if count]
    if mix >= WIDE_MIX:
        said.append(f"the long sides of the largest and the smallest differ {mix:.0f} times")
    return said


def sick() -> Record:
    """Every tenth picture is an icon."""
    return Example(columns={"height": [8 if row % 10 == 0 else 64 for row in range(800)], "width": 12}).record


def healthy() -> Record:
    """Pictures of one camera, upright and across."""
    turned = [96 if row % 2 else 64 for row in range(800)]
    return Example(columns={"height": turned, "width": [160 - side for side in turned]}).record
