"""The first look at every item: its content hash, its header, and whether it can be read at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

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
# A file changed this shortly before it was read may change again without its time of change moving on.
_SETTLING_NS = 2_000_000_000
_TYPES: Mapping[Any, Any] = {int: pl.Int64, float: pl.Float64, str: pl.String, bool: pl.Boolean}

Probe = Callable[[Any], Any]
Stamp = tuple[int, int]


@dataclass(frozen=True)
class _Seen:
    """One item as seen: hash and error (one of them None), its header's values, and its stamp where that is cheap."""

    hash: str | None
    error: str | None
    header: tuple[Any, ...]
    stamp: Stamp | None = None


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
    store, references = table.stores[column], table.frame[column].to_list()
    fields_of_header = _header_types(probe)
    memory = _memory_file(store, probe, tuple(fields_of_header))
    known = _recall(memory, len(fields_of_header))
    started, since = time.monotonic(), time.time_ns() - _SETTLING_NS
    tell(watch, Started(_STAGE, len(references), "items"))
    seen = _look_at_all(store, references, probe, known, threads, watch)
    if memory is not None:
        settled = {
            reference: item
            for reference, item in zip(references, seen, strict=True)
            if item.hash is not None and item.stamp is not None and item.stamp[1] < since
        }
        _remember(memory, known, settled, fields_of_header)
    tell(watch, Finished(_STAGE, time.monotonic() - started))
    rows = [(item.hash, item.error, *item.header) for item in seen]
    return pl.DataFrame(rows, schema={"hash": pl.String, "error": pl.String, **fields_of_header}, orient="row")


def _header_types(probe: Probe) -> dict[str, Any]:
    """The polars type of each field of the header that `probe` returns."""
    header = get_type_hints(probe)["return"]
    hints = get_type_hints(header)
    return {item.name: _TYPES[hints[item.name]] for item in fields(header)}


def _look_at_all(
    store: Store, references: Sequence[str], probe: Probe, known: Mapping[str, _Seen], threads: int, watch: Watch
) -> list[_Seen]:
    missing = (None,) * len(_header_types(probe))

    def look_at(chunk: Sequence[str]) -> list[_Seen]:
        return [_look(store, reference, probe, known, missing) for reference in chunk]

    seen: list[_Seen] = []
    pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="penjing-scan")
    try:
        for found in pool.map(look_at, [references[i : i + _CHUNK] for i in range(0, len(references), _CHUNK)]):
            seen += found
            tell(watch, Progress(_STAGE, len(seen)))
    finally:
        pool.shutdown(cancel_futures=True)  # so that Ctrl-C does not wait for what has not begun
    return seen


def _look(store: Store, reference: str, probe: Probe, known: Mapping[str, _Seen], missing: tuple[None, ...]) -> _Seen:
    """One item, from memory when its stamp is unchanged."""
    try:
        stamp = store.stamp(split_page(reference)[0])
        before = known.get(reference)
        if stamp is not None and before is not None and before.stamp == stamp:
            return before
        content, page = read_item(store, reference)
        return _Seen(item_hash(content, page), None, astuple(probe(content)), stamp)
    except (DataError, OSError) as problem:
        return _Seen(None, reason(problem, item_name(store, reference)), missing)


def _memory_file(store: Store, probe: Probe, names: tuple[str, ...]) -> Path | None:
    """Where the scans of this store are remembered: by its `root` folder or its archive's `path`.

    A store that has neither lives in memory, and is read anew every time.
    """
    root = getattr(store, "root", None) or getattr(store, "path", None)
    if root is None:
        return None
    key = item_hash(repr((VERSION, str(Path(root).absolute()), probe.__module__, names)).encode())
    return cache_folder() / FOLDER / f"{key}.parquet"


def _recall(memory: Path | None, width: int) -> dict[str, _Seen]:
    """What was seen before; nothing when there is no such file or it is damaged."""
    if memory is None or not memory.is_file():
        return {}
    try:
        rows = pl.read_parquet(memory).iter_rows()
        return {row[0]: _Seen(row[3], None, row[4 : 4 + width], (row[1], row[2])) for row in rows}
    except Exception:  # a damaged file costs one more reading of the data, nothing else
        return {}


def _remember(memory: Path, known: dict[str, _Seen], seen: Mapping[str, _Seen], header: Mapping[str, Any]) -> None:
    """Add what was seen to what is known. A cache that cannot be written costs time, so that is no error."""
    if all(known.get(reference) is item for reference, item in seen.items()):
        return
    rows = [
        (reference, *(item.stamp or (0, 0)), item.hash, *item.header) for reference, item in {**known, **seen}.items()
    ]
    schema = {"reference": pl.String, "size_bytes": pl.Int64, "changed_ns": pl.Int64, "hash": pl.String, **header}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    try:
        write_atomically(memory, lambda temporary: frame.write_parquet(temporary))
    except (RunError, OSError):
        return
