"""Decodes the files of a data set into the cache, a fair share first, and makes the inputs of a network of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import polars as pl

from penjing.core import cache
from penjing.core.budget import Clock
from penjing.core.errors import DataError
from penjing.core.events import Warned, Watch, tell
from penjing.core.process import usable_cores
from penjing.core.randomness import stream
from penjing.core.table import Table
from penjing.workflows._slots import (
    FileSlot,
    Gapped,
    Slot,
    TableSlot,
    TextSlot,
    grouped,
    is_scalar,
    kind_of,
    table_name,
)
from penjing.workflows._survey import Look, Surveyed, check_readable

# Decoding may take this share of the time; what is not decoded by then waits for the next run.
DECODE_SHARE = 0.4
LEAST_DECODE_SHARE = 0.3  # of the time that is left when it begins
# The same where it is for a first look only, after which a larger canvas may have to be decoded.
LOOK_DECODE_SHARE = 0.15


@dataclass(frozen=True)
class Decoded:
    """Which rows are usable, their inputs, and hash → why an item could not be decoded."""

    rows: np.ndarray
    slots: tuple[Slot, ...]
    failed: Mapping[str, str]


def decode(
    surveyed: Surveyed, most_unreadable: float, stop_at: float | None, watch: Watch, only: frozenset[str] | None
) -> Decoded:
    """Fill the cache, a stratified share first, so that whatever is done when time runs out is fair to all classes.

    Args:
        surveyed: the items.
        most_unreadable: the share of them that may be unreadable.
        stop_at: when to end, on the scale of `time.monotonic`; None decodes them all.
        watch: is told what happens.
        only: hashes of the items to use; None uses all.

    Raises:
        DataError: too many items are unreadable, or none was decoded in time.
    """
    table, items = surveyed.table, surveyed.items
    rows = np.flatnonzero(items["error"].is_null().to_numpy())
    if only is not None:
        rows = rows[items["hash"].gather(rows).is_in(list(only)).to_numpy()]
    failed: dict[str, str] = {}
    late = 0
    order = _fair_order(table, rows)
    for number, look in enumerate(surveyed.looks):
        # An item needs the files of all columns, so a later column gets its share of the time for the same items.
        until = None if stop_at is None else _part_until(stop_at, len(surveyed.looks) - number)
        filled = _fill(look, table, order, until, watch)
        failed.update(filled.failed)
        if filled.failed or filled.missing:
            hashes = look.items["hash"].gather(rows)
            there = cache.present(look.modality.form(look.settings), hashes.to_list()) | hashes.is_null().to_numpy()
            late += int((~there & ~hashes.is_in(list(filled.failed)).fill_null(False).to_numpy()).sum())
            rows = rows[there]
            order = order[np.isin(order, rows)]
        damaged = look.items.with_columns(
            error=pl.col("hash").replace_strict(dict(filled.failed), default=None, return_dtype=pl.String)
        )
        check_readable(table, look.column, damaged, most_unreadable, watch)
    if not len(rows):
        raise DataError("none of the items could be decoded within the time; give more --time, or a smaller --side")
    if late:
        tell(
            watch,
            Warned(
                f"{late} of {len(items)} items were not decoded within {DECODE_SHARE:.0%} of the time; this run uses "
                f"a fair share of {len(rows)}. The next run continues from there: give more --time"
            ),
        )
    return Decoded(rows, tuple(_slots(surveyed, rows)), failed)


def decoded_until(clock: Clock, whole: Clock | None = None) -> float | None:
    """When decoding must end, on the clock's scale: where looking at many items took long, it has a share of what is
    left, or there would be none to learn from. None where it need not.

    Args:
        clock: the time of the run.
        whole: the time of all that the run is a first look for.
    """
    if not clock.is_binding:
        return None
    if whole is not None:
        return whole.started + whole.elapsed + LOOK_DECODE_SHARE * whole.left
    return clock.started + max(DECODE_SHARE * clock.limit_seconds, clock.elapsed + LEAST_DECODE_SHARE * clock.left)


def _part_until(stop_at: float, parts: int) -> float:
    """When the first of some parts that share the time until `stop_at` must end."""
    now = time.monotonic()
    return now + (stop_at - now) / parts


def _fill(look: Look, table: Table, order: np.ndarray, stop_at: float | None, watch: Watch) -> cache.Filled:
    """Decode one column's files into the cache."""
    modality, settings = look.modality, look.settings
    hashes, references = look.items["hash"].to_list(), table.frame[look.column.name].to_list()
    return cache.fill(
        modality.form(settings),
        {hashes[row]: references[row] for row in order.tolist() if hashes[row] is not None},
        table.stores[look.column.name],
        lambda content, page: modality.decode(content, settings, page),
        getattr(modality, "thumbnail", None),
        threads=usable_cores(),
        watch=watch,
        stop_at=stop_at,
        around=getattr(modality, "while_decoding", nullcontext),
    )


def _slots(surveyed: Surveyed, rows: np.ndarray) -> list[Slot]:
    """The inputs of a network, in the order of the data's columns."""
    looks = {look.column.name: look for look in surveyed.looks}
    found: list[Slot] = []
    for columns in grouped(surveyed.table.inputs):
        if is_scalar(columns[0]):
            cells = surveyed.cells.select(one.name for one in columns)[rows.tolist()]
            found.append(TableSlot(columns, cells, table_name(surveyed.table.inputs)))
        elif kind_of(columns[0]) == "cell":
            texts = surveyed.cells[columns[0].name].gather(rows)
            present = texts.is_not_null().to_numpy() if texts.null_count() else None
            found.append(TextSlot(columns[0].name, columns[0].modality, columns, texts, present))
        else:
            found.append(_file_slot(looks[columns[0].name], rows))
    return found


def _file_slot(look: Look, rows: np.ndarray) -> FileSlot:
    hashes = look.items["hash"].gather(rows)
    form, column = look.modality.form(look.settings), look.column
    cached = cache.open_column(form.id, hashes.drop_nulls().to_list())
    if not hashes.null_count():
        return FileSlot(column.name, column.modality, (column,), look.settings, cached, hashes=hashes.to_list())
    present = hashes.is_not_null().to_numpy()
    gapped = Gapped(cached, present)
    return FileSlot(column.name, column.modality, (column,), look.settings, gapped, present, hashes.to_list())


def _fair_order(table: Table, rows: np.ndarray) -> np.ndarray:
    """Rows shuffled, then dealt class by class in turn."""
    shuffled = rows[stream(0, "decode order").permutation(len(rows))]
    if table.target is None or table.target.modality != "category":
        return shuffled
    labels = table.frame[table.target.name].cast(pl.String).fill_null("").to_numpy()[shuffled]
    _, code = np.unique(labels.astype(str), return_inverse=True)
    turn = np.zeros(len(rows), dtype=np.int64)
    by_class = np.argsort(code, kind="stable")
    starts = np.r_[0, np.flatnonzero(np.diff(code[by_class])) + 1]
    turn[by_class] = np.arange(len(rows)) - np.repeat(starts, np.diff(np.r_[starts, len(rows)]))
    return shuffled[np.lexsort((code, turn))]
