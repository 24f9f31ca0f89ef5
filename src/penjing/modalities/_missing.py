"""What people write where they have no value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

# What programs and people write; among classes too, where the others below may be classes themselves, as + and - are.
MARKERS = ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "?", "<NA>", "NaT")
# "none" and "no" are not here: they are often values.
MISSING = ("", *MARKERS, "na", "-", "--", "—", "–", ".", "缺失")


def told(cells: Sequence[Any] | pl.Series) -> pl.Series:
    """The cells that hold something, as text without blanks around it."""
    if isinstance(cells, pl.Series):
        texts = cells.cast(pl.String)
    else:
        texts = pl.Series([None if cell is None else str(cell) for cell in cells], dtype=pl.String)
    return texts.str.strip_chars().replace(MISSING, None).drop_nulls()
