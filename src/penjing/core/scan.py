"""The first look at every item: its content hash, its header, and whether it can be read at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import polars as pl

from penjing.core.errors import DataError, RunError
from penjing.core.events import Finished, Progress, Started, Watch, tell
from penjing.core.files import cache_folder, write_atomically
from penjing.core.items import item_hash, item_name, read_item, reason, split_page
from penjing.core.table import Store, Table

VERSION = 1  # raise it when the hash of the same content changes: what older versions remembered is not read then
FOLDER = "scans"  # inside the cache folder; `core/cache.py` lists and clears it

_STAGE = "reading headers"
_CHUNK = 64  # items handed to a thread at once
_ROWS_AT_ONCE = 4096  # rows of Python objects before they are turned into columns
# A file changed this shortly before it was read may change again without its time of change moving on.
_SETTLING_NS = 2_000_000_000
_TYPES: Mapping[Any, Any] = {int: pl.Int64, float: pl.Float64, str: pl.String, bool: pl.Boolean}
_STAMP = {"size_bytes": pl.Int64, "changed_ns": pl.Int64}

Probe = Callable[[Any], Any]


def scan(table: Table, column: str, probe: Probe, threads: int, watch: Watch = None) -> pl.DataFrame:
    """Read every item of one input column once.

    Files whose size and time of change are as remembered are not read again.

    Args:
        table: the data set.
        column: the name of one of its input columns.
        probe: content → header, a dataclass; its return annotation names the type. Raises DataError.
        threads: how many items are read at once.
        watch: hears how far it is.

    Returns:
        One row per row of the table, in its order: `hash` (null when unreadable), `error` (why it could not be
        read, else null), and one column per field of the header.
    """
    store, references = table.stores[column], table.frame[column].alias("reference")
    header = _header_types(probe)
    schema = {"reference": pl.String, **_STAMP, "hash": pl.String, "error": pl.String, **header}
    memory = _memory_file(store, probe, tuple(header))
    known = _recall(memory, schema)
    before = references.to_frame().join(known, on="reference", how="left", maintain_order="left")
    started, since = time.monotonic(), time.time_ns() - _SETTLING_NS
    tell(watch, Started(_STAGE, len(references), "items"))
    at, seen = _look_at_all(store, before, probe, schema, threads, watch)
    if memory is not None:
        settled = seen.filter(pl.col("hash").is_not_null() & (pl.col("changed_ns") < since))
        _remember(memory, known, settled)
    tell(watch, Finished(_STAGE, time.monotonic() - started))
    row = np.arange(len(before))
    row[at] = len(before) + np.arange(len(seen))
    return pl.concat([before, seen])[row].select("hash", "error", *header)


def _header_types(probe: Probe) -> dict[str, Any]:
    """The polars type of each field of the header that `probe` returns."""
    header = get_type_hints(probe)["return"]
    hints = get_type_hints(header)
    return {item.name: _TYPES[hints[item.name]] for item in fields(header)}


def _look_at_all(
    store: Store, before: pl.DataFrame, probe: Probe, schema: Mapping[str, Any], threads: int, watch: Watch
) -> tuple[np.ndarray, pl.DataFrame]:
    """Which rows had to be read, and what was seen there, as columns: an object an item would cost much more."""
    missing = (None,) * len(_header_types(probe))

    def look_at(start: int) -> list[tuple[Any, ...] | None]:
        chunk = before[start : start + _CHUNK].select("reference", *_STAMP)
        return [_look(store, reference, tuple(stamp), probe, missing) for reference, *stamp in chunk.iter_rows()]

    at, rows, frames = [], [], [pl.DataFrame(schema=schema)]
    pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="penjing-scan")
    try:
        starts = range(0, len(before), _CHUNK)
        for start, looked in zip(starts, pool.map(look_at, starts), strict=True):
            new = [(start + place, found) for place, found in enumerate(looked) if found is not None]
            at.append(np.array([row for row, _ in new], np.int64))
            rows += [found for _, found in new]
            if len(rows) >= _ROWS_AT_ONCE:
                frames.append(pl.DataFrame(rows, schema=schema, orient="row"))
                rows.clear()
            tell(watch, Progress(_STAGE, start + len(looked)))
    finally:
        pool.shutdown(cancel_futures=True)  # so that Ctrl-C does not wait for what has not begun
    frames.append(pl.DataFrame(rows, schema=schema, orient="row"))
    return np.concatenate([np.empty(0, np.int64), *at]), pl.concat(frames)


def _look(
    store: Store, reference: str, before: tuple[int | None, ...], probe: Probe, missing: tuple[None, ...]
) -> tuple[Any, ...] | None:
    """One item as a row of what was seen, or None when it still has the stamp that it had before."""
    try:
        stamp = store.stamp(split_page(reference)[0])
        if stamp is not None and before == stamp:
            return None
        content, page = read_item(store, reference)
        return reference, *(stamp or (None, None)), item_hash(content, page), None, *astuple(probe(content))
    except (DataError, OSError) as problem:
        return reference, None, None, None, reason(problem, item_name(store, reference)), *missing


def _memory_file(store: Store, probe: Probe, names: tuple[str, ...]) -> Path | None:
    """Where the scans of this store are remembered: by its `root` folder or its archive's `path`.

    A store that has neither lives in memory, and is read anew every time.
    """
    root = getattr(store, "root", None) or getattr(store, "path", None)
    if root is None:
        return None
    key = item_hash(repr((VERSION, str(Path(root).absolute()), probe.__module__, names)).encode())
    return cache_folder() / FOLDER / f"{key}.parquet"


def _recall(memory: Path | None, schema: Mapping[str, Any]) -> pl.DataFrame:
    """What was seen before, one row a reference; no row when there is no such file or it is damaged."""
    nothing = pl.DataFrame(schema=schema)
    if memory is None or not memory.is_file():
        return nothing
    try:
        rows = pl.read_parquet(memory).with_columns(error=pl.lit(None, pl.String)).select(*schema)
        return pl.concat([nothing, rows]).unique("reference", keep="last", maintain_order=True)
    except Exception:  # a damaged file costs one more reading of the data, nothing else
        return nothing


def _remember(memory: Path, known: pl.DataFrame, seen: pl.DataFrame) -> None:
    """Add what was seen to what is known. A cache that cannot be written costs time, so that is no error."""
    if not len(seen):
        return
    frame = pl.concat([known, seen]).drop("error").unique("reference", keep="last", maintain_order=True)
    try:
        write_atomically(memory, lambda temporary: frame.write_parquet(temporary))
    except (RunError, OSError):
        return
