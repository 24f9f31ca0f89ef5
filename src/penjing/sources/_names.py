"""Whether the names of a table's columns are an item that was taken for the line of names."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import polars as pl

from penjing.sources._words import some

_NUMBER = re.compile(r"[-+]?\d*\.?\d+(?:e[-+]?\d+)?", re.IGNORECASE)
_LONG_SCALE = 8  # so many numbers hardly ascend by chance


def doubt_names(frame: pl.DataFrame) -> list[str]:
    """A doubt where a name is among the values of its own column, or most names that are numbers lie between these.

    Numbers that are counted up, such as years, pixels and wavelengths, are names.
    """
    known = set(frame.columns)
    names = {column: _given(column, place, known) for place, column in enumerate(frame.columns, start=1)}
    numbers = [column for column, name in names.items() if _NUMBER.fullmatch(name)]
    if _is_scale([float(names[column]) for column in numbers]):
        for column in numbers:
            del names[column]
        numbers = []
    alike = [column for column, name in names.items() if _is_among(name, frame[column])]
    inside = [column for column in numbers if _is_between(float(names[column]), frame[column])]
    if not alike and 2 * len(inside) <= len(numbers):
        return []
    shown = [f'"{names[column]}"' for column in dict.fromkeys([*alike, *inside])]
    return [
        f"Names of columns look like values of an item: {some(shown)}; "
        "if the first line holds no names, put one that does above it"
    ]


def _given(column: str, place: int, known: set[str]) -> str:
    """A column's name before a repeated one was made distinct, as "0" of "0_3"."""
    name = column.removesuffix(f"_{place}")
    return name if name in known else column


def _is_scale(numbers: Sequence[float]) -> bool:
    """Whether numbers are counted up: by one, in equal steps, or for long."""
    steps = np.diff(numbers)
    if len(steps) == 0 or (steps <= 0).any():
        return False
    is_even = np.allclose(steps, steps[0])
    return bool(len(numbers) >= _LONG_SCALE or (is_even and (len(numbers) > 2 or steps[0] == 1)))


def _is_among(name: str, cells: pl.Series) -> bool:
    return cells.dtype == pl.String and bool((cells == name).any())


def _is_between(number: float, cells: pl.Series) -> bool:
    """Whether a number lies within those of a column that holds nothing else."""
    values = cells.cast(pl.Float64, strict=False) if cells.dtype == pl.String or cells.dtype.is_numeric() else None
    if values is None or values.null_count() > cells.null_count():
        return False
    low, high = values.min(), values.max()
    return isinstance(low, float) and isinstance(high, float) and low <= number <= high
