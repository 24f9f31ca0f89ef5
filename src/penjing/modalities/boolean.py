"""Booleans: yes or no, in the words of several languages, or 1 and 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from penjing.modalities._missing import told

KIND: Literal["cell"] = "cell"
FORM: Literal["category"] = "category"
KNOWN = ("false", "true")
MISSING_CODE = -1

_TRUE = ("true", "t", "yes", "y", "1", "1.0", "on", "是", "有", "真", "对", "ja", "oui", "si", "sí", "sim", "да")
_FALSE = ("false", "f", "no", "n", "0", "0.0", "off", "否", "无", "假", "错", "nein", "non", "não", "нет")


@dataclass(frozen=True)
class Settings:
    """There is nothing to set."""


def recognise(cells: Sequence[Any] | pl.Series) -> float:
    """The share of cells, missing ones aside, that say yes or no, 0 to 1; 0 where all say the same."""
    texts = told(cells)
    said = clean(texts)
    return int(said.is_not_null().sum()) / len(texts) if said.drop_nulls().n_unique() == len(KNOWN) else 0.0


def clean(cells: pl.Series) -> pl.Series:
    """The cells as "true" or "false", null where they say neither."""
    texts = cells.cast(pl.String).str.strip_chars().str.to_lowercase()
    words = {**dict.fromkeys(_TRUE, "true"), **dict.fromkeys(_FALSE, "false")}
    return texts.replace_strict(words, default=None, return_dtype=pl.String)


def learn(cells: pl.Series, settings: Settings) -> dict[str, Any]:  # noqa: ARG001 - asked as others
    """Whether clean cells of the training part were ever missing; the known values are always the same."""
    return {"known": list(KNOWN), "has_missing": cells.null_count() > 0, "has_rare": False}


def encode(cells: pl.Series, learned: Mapping[str, Any]) -> np.ndarray:
    """Float32[n]: 0 for false, 1 for true, `MISSING_CODE` where missing."""
    codes = cells.replace_strict(learned["known"], [0.0, 1.0], default=MISSING_CODE, return_dtype=pl.Float32)
    return codes.to_numpy().astype(np.float32)
