"""New items as a network takes them, a few at a time: files decoded in threads, cells encoded as in training."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from penjing.core.errors import DataError
from penjing.core.items import item_name, read_item, reason
from penjing.core.table import Column, Store
from penjing.core.units import show_bytes
from penjing.sources._listing import readable
from penjing.workflows._load import Input
from penjing.workflows._rows import Source
from penjing.workflows._slots import clean, encode_table, is_scalar

# A file of this size holds more than any item that is decoded; reading it would only fill the memory.
LARGEST_FILE_BYTES = 2 * 10**9
_CHUNK = 16  # items handed to a thread at once
_AHEAD = 4  # chunks a thread that wait for the network


@dataclass(frozen=True)
class Item:
    """One item after its files had their turn.

    Attributes:
        row: of its source.
        name: what to call it before a person: the path as they would type it, or the row.
        files: column → its decoded file; None where the cell is empty.
        error: why a file cannot be decoded.
    """

    row: int
    name: str
    files: Mapping[str, np.ndarray | None] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Reader:
    """Reads and decodes the files of single items, never raising for a bad one. Called from several threads at once.

    Attributes:
        inputs: those of the run.
        takes_every_page: whether each page of a TIFF is an item of its own.
    """

    inputs: Sequence[Input]
    takes_every_page: bool = False

    def read(self, source: Source, row: int) -> list[Item]:
        """The item in a row; several where a file's pages are items."""
        names = [one.name for one in self.inputs if one.name in source.stores]
        cells = {name: source.cells[name][row] for name in names}
        called = _name(source, row, cells)
        if row in source.errors:
            return [Item(row, called, error=source.errors[row])]
        files: dict[str, np.ndarray | None] = {}
        for one in self.inputs:
            reference = cells.get(one.name)
            if reference is None:
                continue
            store, name = source.stores[one.name], readable(item_name(source.stores[one.name], reference))
            try:
                _refuse(one.plugin, store, reference)
                content, page = read_item(store, reference)
                if self.takes_every_page and page is None and (pages := one.plugin.probe(content).pages) > 1:
                    return [_page(one, row, called, content, number) for number in range(1, pages + 1)]
                files[one.name] = one.plugin.decode(content, one.settings, page)
            except (DataError, OSError, MemoryError) as problem:
                why = reason(problem, name)
                return [Item(row, called, error=why if len(source.cells.columns) == 1 else f'"{one.name}": {why}')]
        return [Item(row, called, files)]


def _name(source: Source, row: int, cells: Mapping[str, str | None]) -> str:
    if source.names is not None:
        return readable(source.names[row])
    ((column, reference),) = cells.items()
    return f"row {row + 1}" if reference is None else readable(item_name(source.stores[column], reference))


def _page(one: Input, row: int, name: str, content: Any, number: int) -> Item:
    name = f"{name}#page={number}"
    try:
        return Item(row, name, {one.name: one.plugin.decode(content, one.settings, number)})
    except DataError as problem:
        return Item(row, name, error=reason(problem, name))


def _refuse(modality: Any, store: Store, reference: str) -> None:
    """Raises:
    DataError: the file is in a format that must be converted first, or is too large to be read.
    """
    suffix = Path(reference).suffix.lower()
    if suffix in modality.REFUSED:
        raise DataError(modality.REFUSED[suffix])
    stamp = store.stamp(reference)
    if stamp is not None and stamp[0] > LARGEST_FILE_BYTES:
        most = show_bytes(LARGEST_FILE_BYTES)
        raise DataError(f"the file has {show_bytes(stamp[0])}, more than the {most} that are read; make it smaller")


def decoded(source: Source, reader: Reader, threads: int) -> Iterator[Item]:
    """Every item of a source in order, decoded in parallel threads, only a few ahead of who asks."""

    def work(rows: range) -> list[Item]:
        return [item for row in rows for item in reader.read(source, row)]

    if not source.stores:
        for row in range(len(source)):
            yield from reader.read(source, row)
        return
    chunks = (range(start, min(start + _CHUNK, len(source))) for start in range(0, len(source), _CHUNK))
    pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="penjing-decode")
    try:
        running: deque[Future[list[Item]]] = deque(pool.submit(work, rows) for rows in islice(chunks, _AHEAD * threads))
        while running:
            finished = running.popleft().result()
            running.extend(pool.submit(work, rows) for rows in islice(chunks, 1))
            yield from finished
    finally:
        pool.shutdown(cancel_futures=True)  # so that Ctrl-C waits for a few items only


@dataclass(frozen=True)
class Encoded:
    """Some items as a network takes them.

    Attributes:
        values: input → one value an item; zeros, or the codes of missing cells, where there is none.
        present: input → Bool[items], whether each item has a value there.
        is_empty: Bool[items], whether an item has no value at all.
        unknown: column of categories → its cells whose value training did not know.
    """

    values: dict[str, np.ndarray]
    present: dict[str, np.ndarray]
    is_empty: np.ndarray
    unknown: dict[str, pl.Series]


def encoded(inputs: Sequence[Input], source: Source, items: Sequence[Item]) -> Encoded:
    """The values of some items of a source, through the same functions as in training."""
    cells = {one.name: one for one in source.cells[[item.row for item in items]].get_columns()}
    values, present = {}, {}
    unknown: dict[str, pl.Series] = {}
    is_empty = np.ones(len(items), dtype=bool)
    for one in inputs:
        if one.is_file:
            values[one.name], there = _files(one, items)
            is_filled = there
        elif is_scalar(one.columns[0]):
            table = pl.DataFrame([_clean(column, cells, len(items)) for column in one.columns])
            values[one.name] = encode_table(table, one.learned)
            unknown |= _unknown(table, values[one.name], one.learned)
            is_filled = table.select(pl.any_horizontal(pl.all().is_not_null())).to_series().to_numpy()
            # As in training, missing cells have codes; the input is missing only without any of its columns.
            there = np.full(len(items), any(column.name in cells for column in one.columns))
        else:
            texts = _clean(one.columns[0], cells, len(items))
            # A pretrained encoder sees the clean texts themselves.
            values[one.name] = (
                one.plugin.encode(texts, one.learned)
                if one.encoder is None
                else np.array(texts.to_list(), dtype=object)
            )
            is_filled = there = texts.is_not_null().to_numpy()
        is_empty &= ~is_filled
        present[one.name] = there
    return Encoded(values, present, is_empty, unknown)


def _unknown(cells: pl.DataFrame, encoded: np.ndarray, learned: Mapping[str, Any]) -> dict[str, pl.Series]:
    """Column of categories → its clean cells that have the code of values training did not know."""
    found = {}
    for place, one in enumerate(learned["columns"]):
        if "known" in one and (is_unknown := encoded[:, place] == len(one["known"])).any():
            found[one["name"]] = cells[one["name"]].filter(pl.Series(is_unknown))
    return found


def _files(one: Input, items: Sequence[Item]) -> tuple[np.ndarray, np.ndarray]:
    """The decoded files, zeros where there is none, and which are there."""
    form = one.plugin.form(one.settings)
    found = np.zeros((len(items), *form.shape), dtype=form.dtype)
    there = np.zeros(len(items), dtype=bool)
    for number, item in enumerate(items):
        value = item.files.get(one.name)
        if value is not None:
            found[number], there[number] = value, True
    return found, there


def _clean(column: Column, cells: Mapping[str, pl.Series], count: int) -> pl.Series:
    """The clean cells of a column, all missing where it is not there."""
    found = cells.get(column.name)
    return clean(column, pl.Series(column.name, [None] * count, dtype=pl.String) if found is None else found)
