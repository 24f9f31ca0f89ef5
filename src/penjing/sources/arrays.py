"""Arrays and lists in memory: (x, y), x alone, or a dict of named columns, with or without y."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from penjing.core.errors import DataError, UsageError
from penjing.core.table import Table
from penjing.sources._arrays import numbered, open_columns, pictures
from penjing.sources._cells import cells_of, is_missing, is_series, label_text
from penjing.sources._finish import finish, found_files
from penjing.sources._media import modality_of
from penjing.sources._options import Options, refuse_columns
from penjing.sources._pixels import as_numpy
from penjing.sources._samples import sample_images, sample_labels
from penjing.sources._target import read_target
from penjing.sources._words import many

_NOUNS = {"text": "text", "path": "file", "image": "picture"}
# Texts are paths when this share of them ends as files do; so many are looked at.
_MOSTLY, _LOOK = 0.8, 200


def looks_like(data: object) -> bool:
    """Whether it is an array or tensor, a list or series of texts, paths or pictures, a dict of columns, or a pair of
    which the first is one."""
    if isinstance(data, tuple | list) and len(data) > 0:
        first = data[0]
        is_pair = len(data) == 2
        return (
            _is_array(first)
            or (is_pair and (_is_list_of_arrays(first) or _is_columns(first) or _column(first) is not None))
            or (isinstance(data, list) and _column(data) is not None)
        )
    return _is_columns(data) or _is_array(data) or _column(data) is not None


def _is_array(value: object) -> bool:
    return hasattr(value, "__array__") and getattr(value, "ndim", 0) > 0 and not hasattr(value, "columns")


def _is_list_of_arrays(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and _is_array(value[0])


def _is_columns(value: object) -> bool:
    return isinstance(value, dict) and len(value) > 0 and all(isinstance(name, str) for name in value)


def _column(value: object) -> tuple[str, list[Any]] | None:
    """The name and the cells of the one column that a list, a series or an array of objects is: texts, paths of files,
    or files and pictures in memory. None of anything else."""
    if not isinstance(value, list) and not is_series(value):
        kind = getattr(getattr(value, "dtype", None), "kind", "")
        if kind not in ("U", "O", "S", "T") or getattr(value, "ndim", 0) != 1:
            return None
    cells = [None if is_missing(cell) else cell for cell in cells_of(value)]
    known = [cell for cell in cells if cell is not None]
    if known and all(isinstance(cell, str | Path) for cell in known):
        some = [str(cell) for cell in known[:_LOOK]]
        are_files = sum(modality_of(name) is not None for name in some) >= _MOSTLY * len(some)
        are_files = are_files or not all(isinstance(cell, str) for cell in known)
        return ("path", cells) if are_files else ("text", cells)
    if known and all(isinstance(cell, bytes) or hasattr(cell, "convert") for cell in known):
        return "image", cells
    return None


def open(data: Any, options: Options) -> Table:
    """The table of arrays, in their order. Rows of a two-dimensional x are rows of numbers.

    Raises:
        DataError: shapes that are not items, values that are not pixels, or lengths that differ.
        UsageError: an option that needs columns or paths.
    """
    x, y = data if isinstance(data, tuple) and len(data) == 2 else (data, None)
    if _is_columns(x):
        labels = None if y is None else _labels(y, _rows_of(x), "row")
        return open_columns(dict(x), labels, options, "arrays", "arrays")
    column = _column(x)
    if column is not None:
        name, cells = column
        if name == "text":
            options = replace(options, types={"text": "text", **options.types})
        labels = None if y is None else _labels(y, len(cells), _NOUNS[name])
        return open_columns({name: cells}, labels, options, "arrays", "arrays")
    if _is_array(x) and x.ndim == 2 and len(x):
        rows = as_numpy(x)
        labels = None if y is None else _labels(y, len(rows), "row")
        return open_columns(numbered(rows), labels, options, "arrays", "arrays")
    if getattr(x, "ndim", 0) == 1 and getattr(getattr(x, "dtype", None), "kind", "") == "O":
        x = cells_of(x)  # arrays of their own sizes
    return _open_pictures(x, y, options)


def _rows_of(columns: Mapping[str, Any]) -> int:
    """How many items a dict of columns has, by its first."""
    first = next(iter(columns.values()))
    return len(first) if hasattr(first, "__len__") and getattr(first, "ndim", 1) != 0 else 1


def _open_pictures(x: Any, y: Any, options: Options) -> Table:
    refuse_columns(options, "arrays have")
    for name in options.types:
        if name != "y" or y is None:
            raise UsageError(f'--type {name}: arrays have no column "{name}"; only y can be named')
    store, count = pictures(x)
    found = found_files([str(row) for row in range(count)], store, "image", "arrays", "arrays")
    if y is not None:
        found.target = read_target(pl.Series(_labels(y, count), dtype=pl.String), "y", "y", options.types.get("y", ""))
        found.label_from = "y"
        found.doubts += found.target.doubts
    return finish(found, options)


def _labels(y: Any, count: int, noun: str = "picture") -> list[str | None]:
    """One label for each of so many items, which are called `noun`.

    Raises:
        DataError: it is something else.
    """
    if hasattr(y, "columns") and hasattr(y, "shape") and y.shape[1] == 1:
        y = y[y.columns[0]]  # a frame of one column
    if not isinstance(y, list | tuple) and not hasattr(y, "__array__"):
        raise DataError(f"y is of type {type(y).__name__}; expected one label for each {noun}")
    try:
        values = np.asarray(y) if isinstance(y, list | tuple) else as_numpy(y)
    except ValueError as problem:
        raise DataError(
            f"y holds labels of different lengths; expected one label for each {noun} ({problem})"
        ) from problem
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(f"y has shape {values.shape}; expected one label for each {noun} (for one-hot: y.argmax(1))")
    if len(values) != count:
        raise DataError(f"x holds {many(count, noun)} and y {many(len(values), 'label')}; expected as many of each")
    return [label_text(value) for value in cells_of(values)]


def sample(folder: Path) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG001 - arrays need no folder
    """Six pictures and their labels."""
    return sample_images(), np.array(sample_labels())
