"""Which numbers of the front end's vector come from which column: counted once, for numpy and torch alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

DAYS_A_YEAR = 365.2425
WEEK = 7
_MONDAY = 3  # 1970-01-01 was a Thursday: that many days after a Monday
_MISSING_CODE = -1

Days = TypeVar("Days")  # an array or a tensor


@dataclass(frozen=True)
class Layout:
    """Columns by what becomes of them; constant ones become nothing.

    Attributes:
        line_columns: Int[lines], columns on a line: numbers, and dates as a time line.
        centres: Float32[lines], the value that becomes 0.
        spreads: Float32[lines], how far from it the value becomes 1.
        starts: Float32[lines, bins], where each bin begins.
        slopes: Float32[lines, bins], 1 / the bin's width; 0 where a line has fewer bins.
        lines_with_missing: Int[flags], lines in which training cells were missing.
        flag_columns: Int[flags], the column of each indicator of a category.
        flag_codes: Float32[flags], the code it indicates: of a known value, of rare ones, of a missing one.
        date_columns: Int[dates].
        timed_dates: Int[times], places in `date_columns` whose dates have a time of day.
    """

    line_columns: np.ndarray
    centres: np.ndarray
    spreads: np.ndarray
    starts: np.ndarray
    slopes: np.ndarray
    lines_with_missing: np.ndarray
    flag_columns: np.ndarray
    flag_codes: np.ndarray
    date_columns: np.ndarray
    timed_dates: np.ndarray

    @property
    def lines(self) -> int:
        return len(self.line_columns)

    @property
    def bins(self) -> int:
        """Bins of all lines together."""
        return int(np.count_nonzero(self.slopes))

    @property
    def width(self) -> int:
        """Length of the front end's vector, at least 1."""
        dates = len(self.date_columns) * (2 + WEEK) + 2 * len(self.timed_dates)
        return max(1, self.lines + self.bins + len(self.lines_with_missing) + len(self.flag_columns) + dates)


def layout(learned: Mapping[str, Any]) -> Layout:
    """The layout for {"columns": [{"form": …, what the column's modality has learned}, …]}."""
    columns = list(enumerate(learned["columns"]))
    lines = [(place, one) for place, one in columns if one["form"] != "category" and len(one["edges"]) > 1]
    dates = [(place, one) for place, one in columns if one["form"] == "date" and len(one["edges"]) > 1]
    flags = [(place, code) for place, one in columns if one["form"] == "category" for code in _codes(one)]
    starts, slopes = _bins([one["edges"] for _, one in lines])
    return Layout(
        line_columns=_integers([place for place, _ in lines]),
        centres=np.array([_centre(one) for _, one in lines], np.float32),
        spreads=np.array([_spread(one) for _, one in lines], np.float32),
        starts=starts,
        slopes=slopes,
        lines_with_missing=_integers([index for index, (_, one) in enumerate(lines) if one["has_missing"]]),
        flag_columns=_integers([place for place, _ in flags]),
        flag_codes=np.array([code for _, code in flags], np.float32),
        date_columns=_integers([place for place, _ in dates]),
        timed_dates=_integers([index for index, (_, one) in enumerate(dates) if one["has_time"]]),
    )


def season(days: Any) -> Any:
    """The angle of a day in the year, in radians."""
    return days * (2 * math.pi / DAYS_A_YEAR)


def weekday(days: Any) -> Any:
    """0 for Monday … 6 for Sunday."""
    shifted = days // 1 + _MONDAY
    return shifted - shifted // WEEK * WEEK


def _codes(column: Mapping[str, Any]) -> list[int]:
    """The codes of a category that training cells had: the others mean nothing that could have been learned.

    Of two complementary ones, such as true and false, one would do; both are kept, since which of them is the usual
    one is not known here.
    """
    codes = list(range(len(column["known"])))
    codes += [len(column["known"])] if column["has_rare"] else []
    codes += [_MISSING_CODE] if column["has_missing"] else []
    return codes if len(codes) > 1 else []


def _bins(edges: list[list[float]]) -> tuple[np.ndarray, np.ndarray]:
    """Where each line's bins begin, and 1 / their widths, filled up to the most bins with zeros."""
    most = max((len(one) - 1 for one in edges), default=0)
    starts, slopes = np.zeros((2, len(edges), most), np.float32)
    for line, one in enumerate(edges):
        starts[line, : len(one) - 1] = one[:-1]
        slopes[line, : len(one) - 1] = 1 / np.diff(np.array(one))
    return starts, slopes


def _centre(column: Mapping[str, Any]) -> float:
    return float(column["mean"] if column["form"] == "number" else (column["low"] + column["high"]) / 2)


def _spread(column: Mapping[str, Any]) -> float:
    """Of a date that never varies, 1, as the spread of such a number is: its line tells whether it is there."""
    return float(column["std"] if column["form"] == "number" else (column["high"] - column["low"]) / 2 or 1.0)


def _integers(values: list[int]) -> np.ndarray:
    return np.array(values, np.int64)
