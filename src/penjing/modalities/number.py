"""Numbers: measurements and counts, as any country's spreadsheet writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from penjing.core.errors import UsageError
from penjing.modalities._bins import edges
from penjing.modalities._missing import told

KIND: Literal["cell"] = "cell"
FORM: Literal["number"] = "number"

# Beyond this a number is cut: its square must still be a number, and no measurement is as large.
LARGEST = 1e18
# Tails outside this share of the training values do not count for mean and spread: one slip of the decimal point
# would otherwise squeeze all other values into one spot.
_TAIL = 0.005
_FEW = 20  # fewer values have no tails

_CODES = "usd|eur|gbp|cny|rmb|chf|jpy"
_CURRENCIES = rf"(?i)^(?:[$€£¥₹₩₽元]|{_CODES})|(?:[$€£¥₹₩₽元]|{_CODES})$"
_GROUPED_BY_COMMAS = r"^[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]*)?$"  # 1,234,567.8
_GROUPED_BY_POINTS = r"^[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+(?:,[0-9]*)?$"  # 1.234.567,8
# One separator before three digits: a thousand to some, one and something to others.
_EITHER = r"^[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}$"
_DECIMAL_COMMA = r"^[+-]?(?:[0-9]+,[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_NO_PLAIN_POINT = r"[,，]|\..*\."  # without any of these no cell speaks of a decimal comma
# Digits of other scripts, which NFKC leaves as they are: Arabic, Persian, Devanagari, Bengali, Thai.
_DIGITS = {chr(ord(zero) + digit): str(digit) for zero in "٠۰०০๐" for digit in range(10)}
# Blanks and apostrophes group digits by threes; two numbers in a cell, or feet and inches, are no number.
_GROUPED_BY_BLANKS = r"^\D*[0-9]{1,3}(?:[\s'’][0-9]{3})+(?:[.,][0-9]*)?\D*$"
_APART = "|"  # is in no number
_PLAIN = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"


@dataclass(frozen=True)
class Settings:
    """How numbers are read and cut into bins.

    Attributes:
        decimal: the decimal sign, "point" or "comma". It settles only cells like 1,234 and 1.234, which mean a
            thousand to some and one and something to others; all other cells tell it themselves.
        bins: most bins of the piecewise-linear code; each holds about as many training values.
    """

    decimal: str = "point"
    bins: int = 8


def recognise(cells: Sequence[Any] | pl.Series) -> float:
    """The share of cells, missing ones aside, that can be read as numbers, 0 to 1."""
    texts = told(cells)
    return int(clean(texts).is_not_null().sum()) / max(1, len(texts))


def decimal_sign(cells: pl.Series) -> str:
    """The decimal sign of a whole column: "comma" where cells show it and none shows a point, else "point"."""
    if cells.dtype != pl.String:
        return "point"
    if not cells.str.contains(_NO_PLAIN_POINT).any():
        return "point"
    texts = _stripped(cells.drop_nulls())
    texts = texts.filter(~texts.str.contains(_EITHER))
    with_comma = texts.str.contains(_DECIMAL_COMMA) | texts.str.contains(_GROUPED_BY_POINTS)
    with_point = texts.str.contains(_GROUPED_BY_COMMAS) | texts.str.contains(r"^[+-]?[0-9]*\.[0-9]")
    return "comma" if with_comma.any() and not (with_point & ~with_comma).any() else "point"


def clean(cells: pl.Series, settings: Settings | None = None) -> pl.Series:
    """The cells as Float64, null where there is no number.

    Read are thousands separators (comma, point, space, apostrophe), decimal commas, signs of currencies and of per
    cent (12 % is 12), 1e5, (12) as the accountants' −12, full-width digits and those of other scripts, and infinities.

    Raises:
        UsageError: `settings.decimal` is none of its words.
    """
    decimal = (settings or Settings()).decimal
    if decimal not in ("point", "comma"):
        raise UsageError(f'decimal = "{decimal}": expected "point" or "comma"')
    if cells.dtype != pl.String:
        return cells.cast(pl.Float64, strict=False).fill_nan(None)
    if decimal == "point":  # most columns hold nothing but plain numbers, which need no patterns
        plain = cells.str.strip_chars().cast(pl.Float64, strict=False).fill_nan(None)
        odd = (plain.is_null() & cells.is_not_null()).arg_true()
        return plain if odd.is_empty() else plain.scatter(odd, _written(cells.gather(odd), decimal))
    return _written(cells, decimal)


def _written(cells: pl.Series, decimal: str) -> pl.Series:
    """What `clean` says of texts, in any of the ways of writing a number."""
    text = pl.col("text")
    without_commas = text.str.replace_all(",", "", literal=True)
    without_points = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    plain = (
        pl.when(text.str.contains(_EITHER))
        .then(without_points if decimal == "comma" else without_commas)
        .when(text.str.contains(_GROUPED_BY_COMMAS))
        .then(without_commas)
        .when(text.str.contains(_GROUPED_BY_POINTS) | text.str.contains(_DECIMAL_COMMA))
        .then(without_points)
        .otherwise(text)
    )
    numbers = pl.DataFrame({"text": _stripped(cells)}).select(plain.alias(cells.name)).to_series()
    is_number = numbers.str.contains(_PLAIN) | numbers.str.contains(r"(?i)^[+-]?inf(?:inity)?$")
    return pl.select(pl.when(is_number).then(numbers)).to_series().cast(pl.Float64).alias(cells.name)


def _stripped(texts: pl.Series) -> pl.Series:
    """Cells without what surrounds or groups digits: blanks, apostrophes, currencies, %, brackets of accountants."""
    bare = texts.str.normalize("NFKC").str.strip_chars().str.replace_all("−", "-", literal=True)
    bare = bare.str.replace_many(_DIGITS)
    text = pl.col("text")
    apart = text.str.replace_all(r"([0-9])\s+([0-9])", f"${{1}}{_APART}$2").str.replace_all(r"\s", "")
    joined = pl.when(text.str.contains(_GROUPED_BY_BLANKS)).then(text.str.replace_all(r"[\s'’]", "")).otherwise(apart)
    bare = pl.DataFrame({"text": bare}).select(joined).to_series()
    bare = bare.str.replace(r"^\((.+)\)$", "-$1").str.replace(r"[%‰]$", "")
    negative = bare.str.starts_with("-").fill_null(False)
    bare = bare.str.strip_prefix("-").str.replace_all(_CURRENCIES, "")
    return pl.select(pl.when(negative).then(pl.lit("-") + bare).otherwise(bare)).to_series()


def learn(cells: pl.Series, settings: Settings) -> dict[str, Any]:
    """Bounds, mean, spread and quantiles of clean cells of the training part.

    Returns:
        `low` and `high` (the bounds), `mean` and `std` (tails aside; std is 1 where nothing varies), `edges` (ascending
        and distinct quantiles between the bins; fewer than two where nothing varies, not even whether a cell is
        there) and `has_missing`.
    """
    values = cells.drop_nulls().to_numpy().astype(np.float64)
    values = np.clip(values[np.isfinite(values)], -LARGEST, LARGEST)
    has_missing = cells.null_count() > 0
    if len(values) == 0:
        return {"low": 0.0, "high": 0.0, "mean": 0.0, "std": 1.0, "edges": [], "has_missing": has_missing}
    inner = _without_tails(values)
    return {
        "low": float(values.min()),
        "high": float(values.max()),
        "mean": float(inner.mean()),
        "std": float(inner.std()) or 1.0,
        "edges": edges(values, settings.bins, has_missing),
        "has_missing": has_missing,
    }


def _without_tails(values: np.ndarray) -> np.ndarray:
    """The values with those outside the tails' borders cut to them, unless all but those are the same."""
    tail = math.ceil(_TAIL * len(values)) if len(values) >= _FEW else 0
    in_order = np.sort(values)
    inner = np.clip(values, in_order[tail], in_order[-1 - tail])
    return inner if inner.std() > 0 else values


def encode(cells: pl.Series, learned: Mapping[str, Any]) -> np.ndarray:
    """Float32[n]: clean cells, NaN where missing.

    A value outside the training part's bounds is cut one range beyond them: still seen to be outside, not absurd.
    """
    span = learned["high"] - learned["low"]
    values = cells.to_numpy().astype(np.float64)
    return np.clip(values, learned["low"] - span, learned["high"] + span).astype(np.float32)
