"""Categories: one of a known set of names or codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from penjing.modalities._missing import MISSING, told

KIND: Literal["cell"] = "cell"
FORM: Literal["category"] = "category"
MISSING_CODE = -1
# More distinct cells than this share of all are names or texts rather than categories.
_MOST_DISTINCT = 0.5


@dataclass(frozen=True)
class Settings:
    """Which values count as known.

    Attributes:
        most: most known values; the rarer ones share one code with those never seen.
        fewest: a value must occur so often in the training part; one that occurs once tells nothing of its own.
    """

    most: int = 128
    fewest: int = 2


def recognise(cells: Sequence[Any] | pl.Series) -> float:
    """How much cells look like categories, 0 to 1: the more often they repeat, the more."""
    texts = told(cells)
    if len(texts) == 0:
        return 0.0
    distinct = texts.n_unique() / len(texts)
    return max(0.0, 1.0 - distinct / _MOST_DISTINCT / 2)


def clean(cells: pl.Series) -> pl.Series:
    """The cells as text without blanks around them, null where missing; whole numbers without ".0"."""
    if cells.dtype.is_float():
        whole = cells.fill_nan(None).cast(pl.Int64, strict=False)
        exact = (whole.cast(pl.Float64) == cells).fill_null(False)
        cells = pl.select(pl.when(exact).then(whole.cast(pl.String)).otherwise(cells.cast(pl.String))).to_series()
    return cells.cast(pl.String).str.strip_chars().replace(MISSING, None)


def learn(cells: pl.Series, settings: Settings) -> dict[str, Any]:
    """The known values of clean cells of the training part, the most frequent first.

    Returns:
        `known`; `has_missing` and `has_rare`: whether a cell was missing, or too rare to be known, so that a network
        has learned what these codes mean.
    """
    counts = (
        pl.DataFrame({"value": cells.drop_nulls()})
        .group_by("value")
        .len("count")
        .sort(["count", "value"], descending=[True, False])
    )
    known = counts.filter(pl.col("count") >= settings.fewest).head(settings.most)["value"].to_list()
    return {"known": known, "has_missing": cells.null_count() > 0, "has_rare": len(known) < len(counts)}


def encode(cells: pl.Series, learned: Mapping[str, Any]) -> np.ndarray:
    """Float32[n]: the index of each clean cell in `known`, `MISSING_CODE` where missing, len(known) where unknown."""
    known = learned["known"]
    codes = cells.replace_strict(known, list(range(len(known))), default=len(known), return_dtype=pl.Float32)
    codes = codes.set(cells.is_null(), MISSING_CODE)
    return codes.to_numpy().astype(np.float32)
