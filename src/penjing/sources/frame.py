"""A pandas or polars DataFrame: paths, bytes, arrays, texts, numbers, categories, and a column to be predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from penjing.core.errors import DataError, UsageError
from penjing.core.table import Table
from penjing.sources._cells import as_column, cells_of, from_pandas, with_rows_spread
from penjing.sources._columns import told_by
from penjing.sources._from_table import Opened, open_rows
from penjing.sources._options import Options
from penjing.sources._places import current_place
from penjing.sources._samples import png, sample_images, sample_labels
from penjing.sources._tables import as_text
from penjing.sources._words import many


def looks_like(data: object) -> bool:
    """Whether it is a DataFrame of polars or pandas, or a pair of one and what is to be predicted."""
    if isinstance(data, tuple) and len(data) == 2:
        data = data[0]
    return isinstance(data, pl.DataFrame) or _is_pandas(data)


def _is_pandas(data: object) -> bool:
    kind = type(data)
    return kind.__name__ == "DataFrame" and kind.__module__.split(".")[0] == "pandas"


def open(data: Any, options: Options) -> Table:
    """The table of a data frame; paths are relative to the current folder.

    Raises:
        DataError: it has no rows, no file it names exists, or there are not as many labels as rows.
        UsageError: an option names what is not there, or the columns are not clear.
    """
    data, y = data if isinstance(data, tuple) else (data, None)
    name = "" if y is None else _free_name(y, [str(column) for column in data.columns])
    if name and options.target not in ("", name):
        raise UsageError(f"--target {options.target}: y holds what is to be predicted; leave one of them out")
    options = replace(options, target=name or options.target)
    read = with_rows_spread if isinstance(data, pl.DataFrame) else from_pandas
    frame = as_text(read(data, told_by(options)))
    if frame.is_empty():
        raise DataError("the data frame has no rows; expected one for each item")
    if name:
        frame = frame.with_columns(_labels(y, name, len(frame)))
    return open_rows(frame, options, Opened("frame", "frame", "the data frame"), current_place())


def _free_name(y: Any, columns: Sequence[str]) -> str:
    """What y is called among the columns: as it is called itself, else "label"."""
    own = getattr(y, "name", None)
    name = own if isinstance(own, str) and own and own not in columns else "label"
    while name in columns:
        name += "_"
    return name


def _labels(y: Any, name: str, count: int) -> pl.Series:
    """What is to be predicted, as a column.

    Raises:
        DataError: it is not one value for each row.
    """
    if hasattr(y, "columns"):
        if len(y.columns) != 1:
            raise DataError(f"y has {len(y.columns)} columns; give one, or put y into the data frame and name a target")
        y = y[y.columns[0]]
    elif getattr(y, "ndim", 1) == 2:
        if y.shape[1] > 1:
            raise DataError(f"y has {y.shape[1]} columns; expected one label for each row (for one-hot: y.argmax(1))")
        y = y[:, 0]
    if not isinstance(y, list | tuple) and not hasattr(y, "__array__"):
        raise DataError(f"y is of type {type(y).__name__}; expected one label for each row")
    cells = as_column(name, cells_of(y))
    if len(cells) != count:
        raise DataError(f"x holds {many(count, 'row')} and y {many(len(cells), 'label')}; expected as many of each")
    return as_text(pl.DataFrame([cells])).to_series()


def sample(folder: Path) -> pl.DataFrame:  # noqa: ARG001 - the pictures are in the frame
    """Six pictures as bytes with their labels."""
    return pl.DataFrame({"image": [png(image) for image in sample_images()], "label": sample_labels()})
