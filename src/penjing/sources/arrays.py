"""Arrays and lists in memory: (x, y), x alone, or a dict of named columns, with or without y."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from penjing.core.errors import DataError, UsageError
from penjing.core.table import Table
from penjing.sources._arrays import label_text, numbered, open_columns, pictures
from penjing.sources._finish import finish, found_files
from penjing.sources._options import Options
from penjing.sources._pixels import as_numpy
from penjing.sources._samples import sample_images, sample_labels
from penjing.sources._target import read_target
from penjing.sources._words import many


def looks_like(data: object) -> bool:
    """Whether it is an array or tensor, a list of texts, a dict of columns, or a pair of which the first is one."""
    if isinstance(data, tuple | list) and len(data) > 0:
        first = data[0]
        is_pair = len(data) == 2
        return (
            _is_array(first)
            or (is_pair and (_is_list_of_arrays(first) or _is_columns(first) or _is_texts(first)))
            or (isinstance(data, list) and _is_texts(data))
        )
    return _is_columns(data) or _is_array(data)


def _is_array(value: object) -> bool:
    return hasattr(value, "__array__") and getattr(value, "ndim", 0) > 0 and not hasattr(value, "columns")


def _is_list_of_arrays(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and _is_array(value[0])


def _is_columns(value: object) -> bool:
    return isinstance(value, dict) and len(value) > 0 and all(isinstance(name, str) for name in value)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(text, str | None) for text in value)


def open(data: Any, options: Options) -> Table:
    """The table of arrays, in their order. Rows of a two-dimensional x are rows of numbers.

    Raises:
        DataError: shapes that are not items, values that are not pixels, or lengths that differ.
        UsageError: an option that needs columns or paths.
    """
    x, y = data if isinstance(data, tuple) and len(data) == 2 else (data, None)
    if _is_columns(x):
        labels = None if y is None else _labels(y, len(next(iter(x.values()))))
        return open_columns(dict(x), labels, options, "arrays", "arrays")
    if _is_texts(x):
        options = replace(options, types={"text": "text", **options.types})
        return open_columns({"text": x}, None if y is None else _labels(y, len(x)), options, "arrays", "arrays")
    if _is_array(x) and x.ndim == 2 and len(x):
        rows = as_numpy(x)
        return open_columns(numbered(rows), None if y is None else _labels(y, len(rows)), options, "arrays", "arrays")
    return _open_pictures(x, y, options)


def _open_pictures(x: Any, y: Any, options: Options) -> Table:
    asked = [("--target", options.target), ("--group", options.group), ("--split", options.split)]
    for option, value in [*asked, ("--time-column", options.time_column), ("--files", "".join(options.files))]:
        if value not in ("", "none"):
            raise UsageError(f"{option} {value}: arrays have no columns; give a data frame instead")
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


def _labels(y: Any, count: int) -> list[str | None]:
    if not isinstance(y, list | tuple) and not hasattr(y, "__array__"):
        raise DataError(f"y is of type {type(y).__name__}; expected one label for each picture")
    try:
        values = np.asarray(y) if isinstance(y, list | tuple) else as_numpy(y)
    except ValueError as problem:
        raise DataError(
            f"y holds labels of different lengths; expected one label for each picture ({problem})"
        ) from problem
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(f"y has shape {values.shape}; expected one label for each picture (for one-hot: y.argmax(1))")
    if len(values) != count:
        raise DataError(
            f"x holds {many(count, 'picture')} and y {many(len(values), 'label')}; expected as many of each"
        )
    return [label_text(value) for value in values.tolist()]


def sample(folder: Path) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG001 - arrays need no folder
    """Six pictures and their labels."""
    return sample_images(), np.array(sample_labels())
