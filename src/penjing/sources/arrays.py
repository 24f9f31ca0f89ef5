"""Pictures x and labels y as NumPy arrays or torch tensors: (x, y), or x alone without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from penjing.core.errors import DataError, UsageError
from penjing.core.table import Table
from penjing.sources._finish import Found, finish, many_values
from penjing.sources._options import Options
from penjing.sources._pixels import as_numpy, channels_last, pixel_scale
from penjing.sources._samples import sample_images, sample_labels
from penjing.sources._stores import ArrayStore
from penjing.sources._words import many

_SHAPES = "[n, height, width], [n, height, width, channels] or [n, channels, height, width]"


def looks_like(data: object) -> bool:
    """Whether it is an array or tensor, or a pair (or a list) of which the first is one."""
    if isinstance(data, tuple | list):
        return len(data) > 0 and (_is_array(data[0]) or (len(data) == 2 and _is_list_of_arrays(data[0])))
    return _is_array(data)


def _is_array(value: object) -> bool:
    return hasattr(value, "__array__") and getattr(value, "ndim", 0) > 0 and not hasattr(value, "columns")


def _is_list_of_arrays(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and _is_array(value[0])


def open(data: Any, options: Options) -> Table:
    """The table of arrays, in their order.

    Raises:
        DataError: shapes that are not pictures, values that are not pixels, or lengths that differ.
        UsageError: an option that needs columns or paths.
    """
    for option, value in (("--target", options.target), ("--group", options.group), ("--split", options.split)):
        if value not in ("", "none"):
            raise UsageError(f"{option} {value}: arrays have no columns; give a data frame instead")
    x, y = data if isinstance(data, tuple) and len(data) == 2 else (data, None)
    store, count = _pictures(x)
    labels = None if y is None else _labels(y, count)
    found = Found([str(row) for row in range(count)], store, "arrays", "arrays", labels=labels, label_from="y")
    if labels is not None:
        found.doubts += many_values(labels, "y")
    return finish(found, options)


def _pictures(x: Any) -> tuple[ArrayStore, int]:
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
    return ArrayStore(pixels, scale=pixel_scale(pixels)), len(pixels)


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


def label_text(value: object) -> str | None:
    """A label as text: 3.0 is "3"; None and NaN are no label."""
    if value is None or value != value:
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def sample(folder: Path) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG001 - arrays need no folder
    """Six pictures and their labels."""
    return sample_images(), np.array(sample_labels())
