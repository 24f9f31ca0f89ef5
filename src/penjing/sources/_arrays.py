"""Columns in memory: arrays of items, of numbers and of names, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from penjing.core import plugins
from penjing.core.errors import DataError
from penjing.core.table import Store, Table
from penjing.sources._cells import Told, cells_of, columns_of, is_missing, together
from penjing.sources._columns import SOUNDS, is_named_like_a_label
from penjing.sources._from_table import Opened, open_rows
from penjing.sources._media import is_of_files
from penjing.sources._options import Options
from penjing.sources._pixels import as_numpy, channels_last, narrowed, pixel_scale
from penjing.sources._places import current_place
from penjing.sources._stores import ArrayStore
from penjing.sources._tables import as_text

_SHAPES = "[n, height, width], [n, height, width, channels] or [n, channels, height, width]"
_CHANNELS = (1, 3, 4)
# An array of names beside an array of class numbers is called after it: label and label_names.
_NAMES_ENDINGS = ("_names", "_name")


def pictures(x: Any) -> tuple[ArrayStore, int]:
    """Where pictures in memory are read, and their number.

    Raises:
        DataError: shapes that are not pictures, or values that are not pixels.
    """
    if isinstance(x, list | tuple):  # pictures of different sizes; the modality looks at the values of each
        rows = [as_numpy(row) for row in x]
        for number, row in enumerate(rows):
            if row.ndim not in (2, 3):
                raise DataError(
                    f"x[{number}] has shape {row.shape}; expected [height, width] or [height, width, channels]"
                )
        return ArrayStore(rows), len(rows)
    pixels = as_numpy(x)
    if pixels.ndim not in (3, 4):
        raise DataError(f"x has shape {pixels.shape}; expected {_SHAPES}: reshape it")
    if not len(pixels):
        raise DataError("x holds no pictures; its first axis has length 0")
    pixels = channels_last(pixels)
    scale = pixel_scale(pixels)
    return ArrayStore(narrowed(pixels), scale=scale), len(pixels)


def open_columns(
    columns: Mapping[str, Any],
    labels: Sequence[str | None] | None,
    options: Options,
    title: str,
    kind: str,
    hints: Mapping[str, object] | None = None,
) -> Table:
    """The table of columns in memory.

    Args:
        columns: name → a list or array of one value for each item; arrays of more axes hold pictures, videos or sounds.
        labels: what is to be predicted, or None where a column holds it.
        options: as given; `types` says what an array is whose shape does not tell.
        title: what to call the data.
        kind: the source's name.
        hints: machine-readable extras.

    Raises:
        DataError: lengths that differ, or values that are no items.
        UsageError: as `open_rows`.
    """
    named, names_of = _take_names({name: _values(values) for name, values in columns.items()})
    count = _count(named)
    held: dict[str, tuple[str, Store]] = {}
    series: list[pl.Series] = []
    for name, values in named.items():
        modality = _items(name, values, options)
        if modality:
            held[name] = (modality, _store(name, values, modality))
            series.append(pl.Series(name, [str(row) for row in range(count)], dtype=pl.String))
        else:
            is_target = labels is None and is_named_like_a_label(name, options)
            series += _cells(name, values, names_of.get(name), False if is_target else None, options)
    if labels is not None:
        name = "y"
        while name in {one.name for one in series}:
            name += "_"
        series.append(pl.Series(name, labels, dtype=pl.String))
        options = options if options.target else replace(options, target=name)
    frame = as_text(together(series))
    opened = Opened(title, kind, title, hints=dict(hints or {}), held=held)
    return open_rows(frame, options, opened, current_place())


def _values(values: Any) -> Any:
    """What a column holds, as an array or, where its items are of different sizes or kinds, as a list; a single value
    as it is."""
    if isinstance(values, list | tuple):
        return list(values)
    if hasattr(values, "to_list"):  # a series of pandas or polars
        array = np.asarray(values)
        return values.to_list() if array.dtype.kind == "O" else array
    return as_numpy(values) if hasattr(values, "__array__") else values


def _take_names(columns: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The columns without lists of class names, and column → the names of its numbers."""
    kept, names = dict(columns), {}
    for name in columns:
        for ending in _NAMES_ENDINGS:
            base = name.removesuffix(ending)
            if base == name or base not in columns:
                continue
            lengths = _length(columns[name]), _length(columns[base])
            if -1 not in lengths and lengths[0] != lengths[1]:
                names[base] = [str(one) for one in cells_of(kept.pop(name))]
                break
    return kept, names


def _count(columns: Mapping[str, Any]) -> int:
    lengths = {name: _length(values) for name, values in columns.items()}
    odd = [name for name, length in lengths.items() if length < 0]
    if odd:
        raise DataError(
            f'the column "{odd[0]}" is one {type(columns[odd[0]]).__name__}; expected one value for each item'
        )
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        raise DataError(f"the columns have different lengths: {listed}; expected one value for each item in each")
    return next(iter(lengths.values()))


def _length(values: Any) -> int:
    """How many values there are; -1 of a single one."""
    return len(values) if isinstance(values, list) or getattr(values, "ndim", 0) > 0 else -1


def _items(name: str, values: Any, options: Options) -> str:
    """The modality of a column of arrays, "" for a column of single values."""
    given = options.types.get(name, "")
    dimensions = (
        np.ndim(values[0]) + 1
        if isinstance(values, list) and len(values) and hasattr(values[0], "__array__")
        else getattr(values, "ndim", 1)
    )
    if dimensions < 2 or (given and given in plugins.names("modalities") and not is_of_files(given)):
        return ""
    if given in plugins.names("modalities"):
        return given
    if dimensions == 2:
        return "audio" if name.casefold() in SOUNDS else ""
    is_video = dimensions == 5 or (dimensions == 4 and not isinstance(values, list) and not _has_channels(values))
    if is_video and "video" in plugins.names("modalities"):
        return "video"
    return "image"


def _has_channels(values: np.ndarray) -> bool:
    return values.shape[1] in _CHANNELS or values.shape[3] in _CHANNELS


def _store(name: str, values: Any, modality: str) -> ArrayStore:
    try:
        if modality == "image":
            return pictures(values)[0]
    except DataError as problem:
        raise DataError(f'the column "{name}": {problem}') from problem
    return ArrayStore([as_numpy(row) for row in values] if isinstance(values, list) else values, name)


def numbered(rows: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of an array of rows, by the names that training and predicting give them alike: x0, x1, …"""
    return {f"x{number}": rows[:, number] for number in range(rows.shape[1])}


def _cells(
    name: str, values: Any, names: Sequence[str] | None, is_spread: bool | None, options: Options
) -> list[pl.Series]:
    """Single values as one column, rows of numbers as one column each."""
    if not isinstance(values, list) and values.ndim == 2 and values.dtype.kind not in "biuf":
        return [
            series for place in range(values.shape[1]) for series in columns_of(f"{name}_{place}", values[:, place])
        ]
    if not isinstance(values, list) and values.ndim > 1:
        return columns_of(name, values)
    cells = cells_of(values)
    if names is not None and all(isinstance(cell, int) and 0 <= cell < len(names) for cell in cells):
        return [pl.Series(name, [names[cell] for cell in cells])]
    cells = [None if is_missing(cell) else cell for cell in cells]
    known = [cell for cell in cells if cell is not None]
    are_mixed = len({isinstance(cell, bool) for cell in known}) > 1  # polars takes no True beside 2
    if known and not are_mixed and all(isinstance(cell, int | float) for cell in known):
        return [
            pl.Series(name, cells, strict=False) if any(isinstance(c, float) for c in known) else pl.Series(name, cells)
        ]
    return Told(lambda _: is_spread, options.asks_for).columns_of(name, cells)
