"""What the columns of a table hold, told from items outside the test part, for people and for checks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from penjing.checks import OPEN_PARTS
from penjing.core.table import Column
from penjing.workflows._prepare import Prepared
from penjing.workflows._slots import TableSlot, TextSlot

SCHEMA: dict[str, type[pl.DataType]] = {
    "name": pl.String,
    "type": pl.String,
    "items": pl.Int64,
    "missing": pl.Float64,
    "distinct": pl.Int64,
    "least": pl.String,
    "most": pl.String,
    "counts_up": pl.Boolean,
    "tells_target": pl.Boolean,
}
# With fewer items a column may agree with the target by chance.
LEAST_ITEMS = 30
# Numbers that follow the target this closely are the target on another scale.
SAME = 1 - 1e-9


def columns_of(prepared: Prepared) -> pl.DataFrame | None:
    """One row a column that holds its values itself, as `core.record.Record.columns` says; None without any."""
    rows = prepared.rows(*OPEN_PARTS)
    found = [_told(column, cells.gather(rows), prepared, rows) for column, cells in _held(prepared)]
    return pl.DataFrame(found, schema=SCHEMA, orient="row") if found else None


def _held(prepared: Prepared) -> Iterator[tuple[Column, pl.Series]]:
    """The columns of cells with their clean cells, in the order of the data."""
    for slot in prepared.slots:
        if isinstance(slot, TextSlot):
            yield slot.columns[0], slot.cells
        elif isinstance(slot, TableSlot):
            yield from ((column, slot.cells[column.name]) for column in slot.columns)


def _told(column: Column, cells: pl.Series, prepared: Prepared, rows: np.ndarray) -> tuple[object, ...]:
    known = cells.drop_nulls()
    is_number = cells.dtype.is_numeric()
    least, most = (
        (_shown(known.min(), column), _shown(known.max(), column)) if is_number and len(known) else (None, None)
    )
    return (
        column.name,
        column.modality,
        len(cells),
        cells.null_count() / max(1, len(cells)),
        known.n_unique(),
        least,
        most,
        column.modality == "number" and _counts_up(cells, rows),
        _tells_target(cells, prepared, rows),
    )


def _shown(value: object, column: Column) -> str:
    assert isinstance(value, int | float)
    if column.modality == "date":
        return str(np.datetime64("1970-01-01") + np.timedelta64(int(value), "D"))
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:.3g}"


def _counts_up(cells: pl.Series, rows: np.ndarray) -> bool:
    """Whether the column numbers the rows: from row to row its values grow by one."""
    if cells.null_count() or len(cells) < LEAST_ITEMS:
        return False
    return bool(np.ptp(cells.to_numpy() - rows) == 0)


def _tells_target(cells: pl.Series, prepared: Prepared, rows: np.ndarray) -> bool:
    """Whether the cells are the target under other names, or on another scale."""
    truth = prepared.truth[rows]
    if len(rows) < LEAST_ITEMS or not prepared.classes or truth.ndim != 1:
        return False
    if prepared.task == "regress":
        return cells.dtype.is_numeric() and _is_scaled(cells.to_numpy().astype(np.float64), truth)
    frame = pl.DataFrame({"cell": cells.cast(pl.String).fill_null(""), "target": truth}).filter(pl.col("target") >= 0)
    pairs = frame.unique()
    return len(pairs) == pairs["cell"].n_unique() == pairs["target"].n_unique() > 1


def _is_scaled(values: np.ndarray, truth: np.ndarray) -> bool:
    both = np.isfinite(values) & np.isfinite(truth)
    if both.sum() < LEAST_ITEMS or not values[both].std() or not truth[both].std():
        return False
    return bool(abs(np.corrcoef(values[both], truth[both])[0, 1]) > SAME)
