"""Values in memory as the cells of columns, by their types; what would be nothing but an address as text is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from numbers import Integral, Number, Real
from pathlib import PurePath
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl

from penjing.core.errors import DataError
from penjing.sources._pixels import as_numpy
from penjing.sources._words import distinct

# What says the same as a text; and types of pandas that do, by name, since pandas need not be there.
_PLAIN = (str, Number, date, time, timedelta, PurePath, UUID, Enum)
_PLAIN_NAMES = ("Period", "Interval")
_SIMPLE = {str, int, float, bool, bytes, type(None)}  # of most columns, which need no further look
_TAKEN = "texts, numbers, dates, paths, bytes, arrays, pictures and lists of labels are taken"
# Units of NumPy's times that Python has none of.
_FINER = ("ns", "ps", "fs", "as")


def cells_of(values: Any) -> list[Any]:
    """The values of a list, a series or an array, one for each item; of an array of several axes its rows.

    Raises:
        DataError: it is none of these, or an array of bytes that are no text.
    """
    if isinstance(values, list | tuple):
        return list(values)
    to_list = getattr(values, "to_list", None)  # a series of pandas or polars
    if to_list is not None:
        listed: list[Any] = to_list()
        return listed
    if not hasattr(values, "__array__") and isinstance(values, Iterable) and not isinstance(values, str | bytes):
        return list(values)  # a range, a deque, the values of a dict
    array = as_numpy(values)
    if array.ndim > 1:
        return list(array)
    if array.dtype.kind == "S":
        array = _decoded(array)
    elif array.dtype.kind in "Mm":
        array = _in_microseconds(array)
    cells: list[Any] = array.tolist()
    return cells


def _decoded(texts: np.ndarray) -> np.ndarray:
    """Texts that NumPy keeps as bytes."""
    try:
        return np.char.decode(texts, "utf-8")
    except UnicodeDecodeError as problem:
        raise DataError(
            f"an array of bytes is no text in UTF-8 ({problem}); decode it, or give a list of bytes for files"
        ) from problem


def _in_microseconds(times: Any) -> Any:
    """Times and spans of NumPy in a unit that Python knows, too: finer ones would become whole numbers."""
    unit = np.datetime_data(times.dtype)[0]
    return (
        times.astype(f"{'datetime64' if times.dtype.kind == 'M' else 'timedelta64'}[us]") if unit in _FINER else times
    )


def is_series(value: object) -> bool:
    """Whether it is a series of pandas or polars."""
    return hasattr(value, "to_list") and hasattr(value, "dtype") and not hasattr(value, "columns")


def is_missing(cell: object) -> bool:
    """Whether a value in memory is none: None, NaN, or what NumPy and pandas have for them."""
    return (
        cell is None
        or type(cell).__name__ in ("NAType", "NaTType")
        or (isinstance(cell, float | np.generic) and bool(cell != cell))
    )


def as_column(name: str, cells: Sequence[Any]) -> pl.Series:
    """A column of values in memory: text, bytes, numbers, lists of texts, spans of time, or arrays and pictures; null
    where one is missing.

    Raises:
        DataError: a cell is of a type that is no value, or cells are of kinds that do not go together.
    """
    kinds = set(map(type, cells))
    if not kinds <= _SIMPLE:
        cells = [None if is_missing(cell) else _plain(cell, name) for cell in cells]
    elif float in kinds:
        cells = [None if cell != cell else cell for cell in cells]
    known = [cell for cell in cells if cell is not None]
    if not kinds <= _SIMPLE and any(is_array(cell) for cell in known):
        return pl.Series(name, cells, dtype=pl.Object)
    for kind, what in ((bytes, "bytes"), (list, "lists")):
        if any(isinstance(cell, kind) for cell in known):
            odd = next((cell for cell in known if not isinstance(cell, kind)), None)
            if odd is not None:
                raise DataError(f'the column "{name}" holds {what} and "{str(odd)[:30]}"; give all cells in one form')
            return pl.Series(name, cells, dtype=pl.Binary) if kind is bytes else _of_lists(name, cells)
    if _are_fractions(known):
        return pl.Series(name, [None if cell is None else float(cell) for cell in cells], dtype=pl.Float64)
    if known and all(isinstance(cell, timedelta) for cell in known):
        return pl.Series(name, cells, dtype=pl.Duration("us"))
    return pl.Series(name, [None if cell is None else _text(cell) for cell in cells], dtype=pl.String)


def _are_fractions(cells: Sequence[Any]) -> bool:
    """Whether every cell is a number, and not all are whole by their type."""
    are_numbers = all(isinstance(one, Real | Decimal) and not isinstance(one, bool) for one in cells)
    return are_numbers and not all(isinstance(one, Integral) for one in cells)


def is_array(cell: object) -> bool:
    """Whether a value is an array, a tensor or a picture of Pillow."""
    return getattr(cell, "ndim", 0) > 0 or hasattr(cell, "convert")


def _text(cell: object) -> str:
    """A single value as text: 3.0 is "3"."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def label_text(value: object) -> str | None:
    """A label as text: 3.0 is "3"; None and NaN are no label.

    Raises:
        DataError: it is no label.
    """
    if is_missing(value):
        return None
    value = _plain(value, "y")
    if isinstance(value, bytes):
        return str(_decoded(np.array([value]))[0])
    if isinstance(value, list) or is_array(value):
        raise DataError(f"a label is of type {type(value).__name__}; expected one text or number for each item")
    return _text(value)


# ---- one cell


def _plain(cell: Any, name: str) -> Any:
    """A cell as text or number, bytes, a list of texts and numbers, or an array.

    Raises:
        DataError: it is none of these.
    """
    if isinstance(cell, np.datetime64 | np.timedelta64):
        return _in_microseconds(cell).item()
    if isinstance(cell, (*_PLAIN, bytes)) or type(cell).__name__ in _PLAIN_NAMES:
        return cell
    if isinstance(cell, bytearray | memoryview):
        return bytes(cell)
    if isinstance(cell, Mapping):
        return _file_in(cell, name)
    if isinstance(cell, set | frozenset):
        return sorted(_parts(cell, name), key=str)
    if isinstance(cell, list | tuple):
        return _parts(cell, name)
    if getattr(cell, "ndim", None) == 0 and hasattr(cell, "item"):
        return cell.item()
    is_of_words = getattr(getattr(cell, "dtype", None), "kind", "") in ("U", "O", "S")
    if getattr(cell, "ndim", 0) == 1 and (is_of_words or not len(cell)):
        return _parts(cells_of(cell), name)
    if is_array(cell):
        return cell
    raise DataError(f'the column "{name}" holds a value of type {_type(cell)}; {_TAKEN}{_or_ignored(name)}')


def _file_in(cell: Mapping[Any, Any], name: str) -> bytes | str | None:
    """The bytes, or else the path, in a cell as Hugging Face has them: {"bytes": …, "path": …}; None of neither."""
    content, path = cell.get("bytes"), cell.get("path")
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    if isinstance(path, str | PurePath):
        return str(path)
    if content is None and path is None and {"bytes", "path"} & cell.keys():
        return None
    keys = ", ".join(f'"{key}"' for key in list(cell)[:3])
    told = f'the column "{name}" holds a dict of {keys or "nothing"}, without "bytes" or "path"; {_TAKEN}'
    raise DataError(told + _or_ignored(name))


def _parts(cell: Iterable[Any], name: str) -> list[Any]:
    """The single values in a list; missing ones are none."""
    found = [_plain(part, name) for part in cell if not is_missing(part)]
    if any(isinstance(part, list) or is_array(part) for part in found):
        raise DataError(
            f'the column "{name}" holds lists of lists; give an array for each item instead{_or_ignored(name)}'
        )
    return [label_text(part) if isinstance(part, bytes) else part for part in found]


def _of_lists(name: str, cells: Sequence[list[Any] | None]) -> pl.Series:
    """Lists of labels as texts, and lists of fractions as arrays."""
    if _are_fractions([part for cell in cells for part in cell or ()]) and any(cells):
        arrays = [None if cell is None else np.array(cell, dtype=np.float64) for cell in cells]
        return pl.Series(name, arrays, dtype=pl.Object)
    texts = [None if cell is None else [_text(part) for part in cell] for cell in cells]
    return pl.Series(name, texts, dtype=pl.List(pl.String))


def _or_ignored(name: str) -> str:
    return f'; or pass over it with types={{"{name}": "ignore"}}'


def _type(cell: object) -> str:
    return f"{type(cell).__module__}.{type(cell).__qualname__}".removeprefix("builtins.")


# ---- rows of numbers


def columns_of(name: str, values: Any, is_spread: bool | None = None) -> list[pl.Series]:
    """The columns of one value for each item: one, or one for each place where every item has a row of as many numbers.

    Args:
        name: of the column; those of rows are called after it: emb_0, emb_1, …
        values: a list, a series or an array.
        is_spread: True spreads lists of whole numbers, too, False nothing; None takes these for labels.

    Raises:
        DataError: as `as_column`.
    """
    are_rows = getattr(values, "ndim", 0) == 2
    cells = [] if are_rows else cells_of(values)
    rows = None if is_spread is False else _rows_of_numbers(values if are_rows else cells, bool(is_spread))
    if rows is None:
        return [as_column(name, cells_of(values) if are_rows else cells)]
    return [pl.Series(f"{name}_{place}", rows[:, place]) for place in range(rows.shape[1])]


def _rows_of_numbers(values: Any, are_whole_too: bool) -> np.ndarray | None:
    """Number[items, places], where every item has a row of as many numbers; None of anything else.

    Args:
        values: a list, or an array of two axes.
        are_whole_too: whether lists of whole numbers are rows, which may also be labels.
    """
    if not isinstance(values, list):
        rows = as_numpy(values)
        return rows if rows.dtype.kind in "biuf" else None
    first = next((cell for cell in values if not is_missing(cell)), None)
    if not _is_row(first):
        return None
    cells = [None if is_missing(cell) else cell for cell in values]
    known = [cell for cell in cells if cell is not None]
    if not all(_is_row(cell) for cell in known):
        return None
    lengths = {len(cell) for cell in known}
    if len(lengths) > 1 or lengths == {0}:
        return None
    try:
        arrays = [np.asarray(cell) if isinstance(cell, list | tuple) else as_numpy(cell) for cell in known]
    except ValueError:  # lists of lists of different lengths
        return None
    if any(one.ndim != 1 or one.dtype.kind not in "biuf" for one in arrays):
        return None
    are_lists = any(isinstance(cell, list | tuple) for cell in known)
    if are_lists and not are_whole_too and all(one.dtype.kind != "f" for one in arrays):
        return None
    missing = np.full(lengths.pop(), np.nan)
    stack = iter(arrays)
    return np.stack([missing if cell is None else next(stack) for cell in cells])


def _is_row(cell: object) -> bool:
    """Whether a cell is a list, or an array or tensor of one axis."""
    return isinstance(cell, list | tuple) or getattr(cell, "ndim", 0) == 1


@dataclass(frozen=True)
class Told:
    """What is known of columns before they are looked at.

    Attributes:
        is_spread: name → what `columns_of` is told.
        is_needed: name → whether the column is asked for. Of one that is not, it is no matter what it holds.
    """

    is_spread: Callable[[str], bool | None] = lambda _: None
    is_needed: Callable[[str], bool] = lambda _: True

    def columns_of(self, name: str, values: Any) -> list[pl.Series]:
        """The columns of one value for each item; nulls where nobody asks for what cannot be read.

        Raises:
            DataError: as `as_column`.
        """
        try:
            return columns_of(name, values, self.is_spread(name))
        except DataError:
            if self.is_needed(name):
                raise
            return [pl.Series(name, [None] * len(values), dtype=pl.String)]


def frame_of(columns: Iterable[tuple[str, Any]], told: Told) -> pl.DataFrame:
    """A frame of columns in memory.

    Args:
        columns: names, and one value for each item.
        told: what is known of them.

    Raises:
        DataError: as `as_column`.
    """
    return together([series for name, values in columns for series in told.columns_of(name, values)])


def together(columns: Sequence[pl.Series]) -> pl.DataFrame:
    """A frame of columns, of which those of one name are told apart."""
    names = distinct([series.name for series in columns])
    return pl.DataFrame([series.alias(name) for series, name in zip(columns, names, strict=True)])


def from_pandas(data: Any, told: Told) -> pl.DataFrame:
    """A polars frame of the same cells; by hand, because polars needs pyarrow for it."""
    names = distinct([str(name) for name in data.columns])
    return frame_of(((name, data.iloc[:, place]) for place, name in enumerate(names)), told)


def with_rows_spread(data: pl.DataFrame, told: Told) -> pl.DataFrame:
    """A frame of polars, of which columns of lists of numbers are as they would be in a frame of pandas."""
    found: list[pl.Series] = []
    for series in data.get_columns():
        inner = getattr(series.dtype, "inner", None)
        are_numbers = isinstance(series.dtype, pl.List | pl.Array) and inner is not None and inner.is_numeric()
        found += told.columns_of(series.name, series) if are_numbers else [series]
    return together(found)
