"""A column of items that are read one by one: paths, or the items themselves as bytes or arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from penjing.core.errors import DataError
from penjing.core.table import Store
from penjing.sources._media import noun
from penjing.sources._pixels import as_numpy, picture
from penjing.sources._places import Place, find_prefix
from penjing.sources._stores import ArrayStore, BytesStore


@dataclass(frozen=True)
class References:
    """Where the items of a column are.

    Attributes:
        cells: a reference in each row, String; null where there is none.
        store: what they are read from.
        prefix: the folder that was found to stand before paths, or "".
    """

    cells: pl.Series
    store: Store
    prefix: str = ""


def refer(cells: pl.Series, modality: str, place: Place, title: str, hint: str = "") -> References:
    """The references of a column of files.

    Args:
        cells: paths; or bytes or arrays, whose reference is the number of their row.
        modality: what an item is.
        place: where paths start.
        title: what to call the table in messages.
        hint: ends the message where no file exists.

    Raises:
        DataError: no file exists, or a cell holds no item.
    """
    if cells.dtype == pl.String:
        paths = cells.str.replace_all("\\", "/", literal=True).str.strip_prefix("./")
        prefix = find_prefix(paths.drop_nulls().to_list(), place, title, hint)
        return References((prefix + paths).alias(cells.name), place.store, prefix)
    values = cells.to_list()
    store: Store = (
        BytesStore(values, title)
        if cells.dtype == pl.Binary
        else ArrayStore([_held(value, modality, f"{title}[{row}]") for row, value in enumerate(values)], title)
    )
    rows = [None if value is None else str(row) for row, value in enumerate(values)]
    return References(pl.Series(cells.name, rows, dtype=pl.String), store)


def _held(value: object, modality: str, name: str) -> np.ndarray:
    """The array in a cell.

    Raises:
        DataError: there is none.
    """
    if value is None:
        return np.zeros(0)  # never asked for: its reference is null
    try:
        return as_array(np.asarray(value) if isinstance(value, list) else value, modality)
    except (DataError, ValueError) as problem:
        raise DataError(f"{name} is no {noun(modality)}: {problem}") from problem


def as_array(value: object, modality: str) -> np.ndarray:
    """One item in memory as an array; a picture as [height, width(, channels)].

    Raises:
        DataError: it is none.
    """
    return as_numpy(picture(value) if modality == "image" else value)
