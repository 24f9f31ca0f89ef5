"""A pandas or polars DataFrame: paths, bytes, arrays, texts, numbers, categories, and a column to be predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from penjing.core.errors import DataError
from penjing.core.table import Table
from penjing.sources._from_table import Opened, open_rows
from penjing.sources._options import Options
from penjing.sources._places import current_place
from penjing.sources._samples import png, sample_images, sample_labels
from penjing.sources._tables import as_text, from_pandas


def looks_like(data: object) -> bool:
    """Whether it is a DataFrame of polars or pandas."""
    return isinstance(data, pl.DataFrame) or _is_pandas(data)


def _is_pandas(data: object) -> bool:
    kind = type(data)
    return kind.__name__ == "DataFrame" and kind.__module__.split(".")[0] == "pandas"


def open(data: Any, options: Options) -> Table:
    """The table of a data frame; paths are relative to the current folder.

    Raises:
        DataError: it has no rows, or no file it names exists.
        UsageError: an option names what is not there, or the columns are not clear.
    """
    frame = as_text(data if isinstance(data, pl.DataFrame) else from_pandas(data))
    if frame.is_empty():
        raise DataError("the data frame has no rows; expected one for each item")
    return open_rows(frame, options, Opened("frame", "frame", "the data frame"), current_place())


def sample(folder: Path) -> pl.DataFrame:  # noqa: ARG001 - the pictures are in the frame
    """Six pictures as bytes with their labels."""
    return pl.DataFrame({"image": [png(image) for image in sample_images()], "label": sample_labels()})
