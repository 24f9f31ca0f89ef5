"""Dates and moments: ISO, 2.1.2024, 1/2/2024, 02.01.24, 2024年1月2日, 2 Jan 2024, 20240102 and Unix time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from penjing.core.errors import UsageError
from penjing.modalities._bins import edges
from penjing.modalities._missing import told

KIND: Literal["cell"] = "cell"
FORM: Literal["date"] = "date"

_SECONDS_A_DAY = 86_400
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = (
    r"(?:(?:T|\s|,)*(?P<hour>\d{1,2})[:时点](?P<minute>\d{1,2})分?"
    r"(?::?(?P<second>\d{1,2}(?:[.,]\d+)?)秒?)?\s*(?P<half>[AP]M)?\s*(?P<zone>Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?$"
)
_PATTERNS = (
    r"^(?P<year>\d{4})(?P<sign>[-/.年])(?P<b>\d{1,2})[-/.月](?P<c>\d{1,2})日?" + _TIME,
    r"^(?P<a>\d{1,2})(?P<sign>[-/.])(?P<b>\d{1,2})[-/.](?P<year>\d{4})" + _TIME,
    r"^(?P<year>\d{4})(?P<b>\d{2})(?P<c>\d{2})(?P<sign>)" + _TIME,
)
# What stands before a year of two digits, and how such years go on: 1970 to 2069. With points, both numbers before it
# have two digits, or versions such as 3.10.12 would be dates; with hyphens it may be the year that comes first.
_SHORT = r"^(\d{1,2}/\d{1,2}/|\d\d\.\d\d\.|\d{1,2}[-\s.]+[A-Z]{3,9}\.?[-\s,]+)"
_CENTURIES = {"20": r"([0-6]\d)\b", "19": r"([7-9]\d)\b"}
_FIELDS = ("year", "a", "b", "c", "sign", "hour", "minute", "second", "half", "zone")
# Unix time is read where it lies between these years, in seconds or in milliseconds.
_UNIX = (np.datetime64("1990-01-01", "s").astype(np.int64), np.datetime64("2100-01-01", "s").astype(np.int64))


@dataclass(frozen=True)
class Settings:
    """How dates are read and cut into bins.

    Attributes:
        first: what stands first in 1/2/2024: "day" or "month". Where only one of them makes a date, that is read.
        bins: most bins of the piecewise-linear code of the time line.
    """

    first: str = "day"
    bins: int = 8


def recognise(cells: Sequence[Any] | pl.Series) -> float:
    """The share of cells, missing ones aside, that can be read as dates, 0 to 1; bare counts are no Unix time here."""
    texts = told(cells)
    is_count = texts.str.contains(r"^\d{10}$|^\d{13}$")
    return int((clean(texts).is_not_null() & ~is_count).sum()) / max(1, len(texts))


def order(cells: pl.Series) -> tuple[str, str]:
    """What stands first in dates like 1/2/2024 of a whole column, "day" or "month", and what may stand there instead,
    "" where a cell settles it.

    Points mean that the day is first, as where they are used. Without any such date nothing is unsettled. Where
    all of 24/01/31 and its like make a date with the year first, too, it may be the year.
    """
    if cells.dtype != pl.String:
        return "day", ""
    cells = cells.drop_nulls()
    found = _fields(cells)
    first, second = found["a"], found["b"]
    slashed = ~np.isnan(first) & (found["sign"] != ".")
    if not slashed.any():
        return "day", ""
    if not (first[slashed] > 12).any():
        return ("month", "") if (second[slashed] > 12).any() else ("day", "month")
    is_short = cells.str.contains(r"^\s*\d\d/\d{1,2}/\d\d\b").to_numpy()
    year_fits = (second <= 12) & (found["year"] % 100 <= 31)
    return "day", "year" if is_short[slashed].all() and year_fits[slashed].all() else ""


def clean(cells: pl.Series, settings: Settings | None = None) -> pl.Series:
    """The cells as Float64 days since 1970-01-01 (UTC where a cell names its zone), null where there is no date.

    Raises:
        UsageError: `settings.first` is none of its words.
    """
    first = (settings or Settings()).first
    if first not in ("day", "month"):
        raise UsageError(f'first = "{first}": expected "day" or "month"')
    if cells.dtype.is_temporal():
        moments = cells.cast(pl.Datetime("ms")) if cells.dtype == pl.Date else cells.dt.cast_time_unit("ms")
        return moments.dt.epoch("ms").cast(pl.Float64) / (_SECONDS_A_DAY * 1000)
    found = _fields(cells.cast(pl.String))
    month, day = found["b"], found["c"].copy()
    days_first = ~np.isnan(found["a"])
    if days_first.any():
        left, right = found["a"], found["b"]
        month_first = (right > 12) | ((left <= 12) & (found["sign"] != ".") & (first == "month"))
        month = np.where(days_first & month_first, left, right)
        day[days_first] = np.where(month_first, right, left)[days_first]
    days = _days(found["year"], month, day) + _share_of_day(found)
    return pl.Series(cells.name, np.where(np.isnan(days), _unix(cells), days), nan_to_null=True)


def _fields(texts: pl.Series) -> dict[str, np.ndarray]:
    """Numbers of each field in each cell, NaN where there is none; of the first pattern that fits a cell."""
    bare = texts.str.normalize("NFKC").str.strip_chars().str.to_uppercase().fill_null("")
    for century, years in _CENTURIES.items():
        bare = bare.str.replace(_SHORT + years, rf"${{1}}{century}${{2}}")
    for number, month in enumerate(_MONTHS, start=1):  # "2 Jan 2024" and "January 2, 2024" become 2/1/2024
        name = rf"{month.upper()}[A-Z]*\.?"
        bare = bare.str.replace(rf"^(\d{{1,2}})[-\s.]+{name}[-\s,]+(\d{{4}})", rf"${{1}}.{number}.${{2}}")
        bare = bare.str.replace(rf"^{name}\s+(\d{{1,2}}),?\s+(\d{{4}})", rf"${{1}}.{number}.${{2}}")
    found: dict[str, np.ndarray] = {field: np.full(len(texts), np.nan) for field in _FIELDS}
    for name in ("sign", "half", "zone"):
        found[name] = np.full(len(texts), "", dtype=object)
    free = np.ones(len(texts), dtype=bool)
    for pattern in _PATTERNS:
        groups = bare.str.extract_groups(pattern).struct.unnest()
        fits = free & groups["year"].is_not_null().to_numpy()
        for field in set(_FIELDS) & set(groups.columns):
            column = groups[field]
            if field in ("sign", "half", "zone"):
                values = column.fill_null("").to_numpy()
            else:
                values = column.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False).to_numpy()
            found[field][fits] = values[fits]
        free &= ~fits
    return found


def _days(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Days since 1970-01-01, NaN where the calendar has no such day."""
    whole = ~np.isnan(year) & (month >= 1) & (month <= 12) & (day >= 1)
    count = np.where(whole, (year - 1970) * 12 + month - 1, 0).astype(np.int64)
    start, end = (
        moment.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for moment in (count, count + 1)
    )
    return np.where(whole & (day <= end - start), start + day - 1, np.nan)


def _share_of_day(found: Mapping[str, np.ndarray]) -> np.ndarray:
    """The time of day as a share of a day, less the offset of its zone; NaN where there is no such time."""
    hour, minute, second = (np.nan_to_num(found[field]) for field in ("hour", "minute", "second"))
    half = found["half"]
    hour = np.where(half == "", hour, hour % 12 + 12 * (half == "PM"))
    zone = pl.Series(found["zone"].tolist(), dtype=pl.String).str.extract_groups(r"^([+-])([0-9]{2}):?([0-9]{2})?$")
    parts = zone.struct.unnest()
    offset = parts["2"].cast(pl.Float64).fill_null(0) * 60 + parts["3"].cast(pl.Float64).fill_null(0)
    sign = np.where((parts["1"] == "-").fill_null(False).to_numpy(), -1, 1)
    share = (hour * 3600 + minute * 60 + second - sign * offset.to_numpy() * 60) / _SECONDS_A_DAY
    return np.where((hour <= 24) & (minute < 60) & (second < 61), share, np.nan)


def _unix(cells: pl.Series) -> np.ndarray:
    """Days of cells that are Unix time in seconds or milliseconds, else NaN."""
    counts = (
        cells.cast(pl.String)
        .str.strip_chars()
        .str.extract(r"^([0-9]{10}|[0-9]{13})(?:\.0*)?$")
        .cast(pl.Float64)
        .to_numpy()
    )
    seconds = np.where(counts >= 1e12, counts / 1000, counts)
    return np.where((seconds >= _UNIX[0]) & (seconds < _UNIX[1]), seconds / _SECONDS_A_DAY, np.nan)


def learn(cells: pl.Series, settings: Settings) -> dict[str, Any]:
    """Bounds and quantiles of clean cells of the training part.

    Returns:
        `low` and `high` in days; `edges` of the time line's bins, ascending and distinct; `has_time`: whether a
        cell has a time of day; `has_missing`.
    """
    days = cells.drop_nulls().to_numpy().astype(np.float64)
    has_missing = cells.null_count() > 0
    if len(days) == 0:
        return {"low": 0.0, "high": 0.0, "edges": [], "has_time": False, "has_missing": has_missing}
    return {
        "low": float(days.min()),
        "high": float(days.max()),
        "edges": edges(days, settings.bins, has_missing),
        "has_time": bool((days % 1 != 0).any()),
        "has_missing": has_missing,
    }


def encode(cells: pl.Series, learned: Mapping[str, Any]) -> np.ndarray:  # noqa: ARG001 - asked as others are
    """Float32[n]: days of clean cells to within two minutes, NaN where missing.

    Days outside the training part's bounds stay what they are: their season and weekday are still known.
    """
    return cells.to_numpy().astype(np.float32)
