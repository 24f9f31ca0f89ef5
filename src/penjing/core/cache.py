"""Decoded items on disk, so that a picture is decoded once and not in every epoch of every run.

The cache is addressed by content: an item's hash and the *form* it is decoded to (modality, settings, version). It
holds nothing learned from more than one item, so it serves every run, split and folder in which the item occurs, and it
may be deleted at any moment. Two processes may fill it at once: shards are written whole and never changed, and an item
that is there twice is there twice with the same values.
"""

from __future__ import annotations

import json
import mmap
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from penjing.core import _shards
from penjing.core._mapped import Mapped, array_of, most_open
from penjing.core.errors import DataError, RunError, UsageError, did_you_mean
from penjing.core.events import Finished, Progress, Started, Warned, Watch, tell
from penjing.core.files import cache_folder, existing_parent, size_bytes, write_json
from penjing.core.items import item_hash, item_name, read_item, reason
from penjing.core.table import Store
from penjing.core.units import show_bytes

VERSION = 1  # of the files' layout; part of every form's id
KEPT_IN_MEMORY_BYTES = 256 * 10**6  # a column up to this size is loaded once; a larger one stays on disk
ANNOUNCED_BYTES = 16 * 2**10  # of an item; smaller ones share pages, and telling costs as much as reading
_SPARE_BYTES = 200 * 10**6  # left free on the disk
_ITEM_OVERHEAD_BYTES = 1024 + 64  # thumbnail and index row
_TAKEN_AT_ONCE = 32  # files that one reader has open at once at most
_CHUNK, _CHUNK_BYTES = 32, 4 * 10**6  # decoded items, and their size, handed to a thread at once
_STALE_SECONDS = 24 * 3600.0  # temporary files older than this belong to nobody
_DESCRIPTION = "form.json"
SCANS = "scans"  # the folder in which `core/scan.py` remembers what it saw

Decode = Callable[[Any, int | None], np.ndarray]
Thumbnail = Callable[[np.ndarray], np.ndarray]
Around = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Form:
    """What items are decoded to.

    Attributes:
        modality: the plug-in that decodes, such as "image".
        settings: everything that the decoded values depend on besides the content, the decoder's version included.
        shape: of one decoded item.
        dtype: of its values.
    """

    modality: str
    settings: Mapping[str, Any]
    shape: tuple[int, ...]
    dtype: str = "uint8"

    @property
    def id(self) -> str:
        """The name of the form's folder: the modality and a hash of all the rest."""
        said = [self.modality, dict(self.settings), list(self.shape), self.dtype, VERSION]
        return f"{self.modality}-{item_hash(json.dumps(said, sort_keys=True).encode())[:16]}"

    @property
    def item_bytes(self) -> int:
        """How much room one item takes in the cache."""
        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Filled:
    """What `fill` did.

    Attributes:
        decoded: items decoded now.
        found: items that were there already.
        missing: items not decoded because time ran out.
        failed: hash → why that item cannot be decoded.
        damaged: damaged shards that were removed; those of their items that are wanted are decoded anew.
    """

    decoded: int
    found: int
    missing: int
    failed: Mapping[str, str] = field(default_factory=dict)
    damaged: int = 0


class CachedColumn:
    """Decoded items in a given order, read by index. `take` is what a training loop calls for every batch.

    Attributes:
        shape: of one item.
        dtype: of its values.
    """

    def __init__(self, form: Form, shards: Sequence[_shards.Shard], shard: np.ndarray, row: np.ndarray) -> None:
        self.shape, self.dtype = form.shape, np.dtype(form.dtype)
        self._thumbnails = [item.thumbnails for item in shards]
        self._place = (shard, row)
        self._values: list[np.ndarray | Mapped] = [item.values for item in shards]
        self._shard, self._row = shard, row
        # What is open can be read even after the cache was cleared.
        _open_some(self._thumbnails, shard)
        if len(row) * form.item_bytes <= KEPT_IN_MEMORY_BYTES:
            self._values = [_gather(self._values, shard, row, self.shape, self.dtype)]
            self._shard, self._row = np.zeros_like(shard), np.arange(len(row))
        else:
            _open_some(self._values, shard)

    def __len__(self) -> int:
        return len(self._row)

    def take(self, index: np.ndarray) -> np.ndarray:
        """A copy of the items at `index` (integers, or one boolean per item), in that order: [picked, *shape]."""
        return _gather(self._values, self._shard[index], self._row[index], self.shape, self.dtype)

    def thumbnails(self) -> CachedThumbnails:
        """The small pictures of all items, in order, read from the disk when they are indexed.

        Raises:
            RunError: this form has none.
        """
        arrays = [array for array in self._thumbnails if array is not None]
        if len(arrays) < len(self._thumbnails):
            raise RunError("the cached items have no thumbnails; clear them with: penjing cache clear")
        return CachedThumbnails(arrays, *self._place)


class CachedThumbnails:
    """Small pictures in a given order, uint8 [items, 32, 32], of which only those in use are in memory.

    Index it with a slice, or an array of row numbers or of booleans; `numpy.asarray` loads them all.
    """

    def __init__(self, arrays: Sequence[Mapped], shard: np.ndarray, row: np.ndarray) -> None:
        self._arrays, self._shard, self._row = arrays, shard, row
        self.shape = (len(row), *(arrays[0].shape[1:] if arrays else (32, 32)))

    def __len__(self) -> int:
        return len(self._row)

    def __getitem__(self, index: np.ndarray | slice) -> np.ndarray:
        """A copy of the pictures at `index`: uint8 [picked, 32, 32]."""
        return _gather(self._arrays, self._shard[index], self._row[index], self.shape[1:], np.dtype(np.uint8))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype, copy=False)


def open_column(form_id: str, hashes: Sequence[str]) -> CachedColumn:
    """The decoded items with these hashes, in this order; a hash may occur more than once.

    Raises:
        RunError: some are not in the cache.
    """
    folder = cache_folder() / form_id
    form = _described(folder)
    shards = _shards.read(folder, form.shape, form.dtype) if form else []
    wanted = pl.DataFrame({"hash": pl.Series(hashes, dtype=pl.String)})
    found = wanted.join(_places(shards), on="hash", how="left", maintain_order="left")
    missing = found["row"].null_count()
    if form is None or missing:
        raise RunError(
            f"{missing} of {len(wanted)} items are not in the cache {folder} (any more); "
            "run the command again and they are decoded from the data"
        )
    return CachedColumn(form, shards, found["shard"].to_numpy(), found["row"].to_numpy())


def present(form: Form, hashes: Sequence[str | None]) -> np.ndarray:
    """Whether each item is in the cache: bool [items]; what has no hash is not."""
    return _are_among(_shards.read(cache_folder() / form.id, form.shape, form.dtype), hashes)


def forecast_bytes(form: Form, count: int) -> int:
    """The disk space that `count` items will take."""
    return count * (form.item_bytes + _ITEM_OVERHEAD_BYTES)


def fill(
    form: Form,
    wanted: Mapping[str, str],
    store: Store,
    decode: Decode,
    thumbnail: Thumbnail | None = None,
    *,
    threads: int,
    watch: Watch = None,
    stop_at: float | None = None,
    around: Around = nullcontext,
) -> Filled:
    """Decode the items that are not in the cache yet, in parallel threads.

    Args:
        form: what `decode` gives.
        wanted: hash → reference, in the order to decode; with a deadline, begin with a stratified share.
        store: where the references are read.
        decode: (content, page or None) → one item; raises DataError. Called from several threads at once.
        thumbnail: decoded item → uint8 [32, 32]; None where items have no picture.
        threads: how many items are decoded at once.
        watch: hears how far it is.
        stop_at: a moment of `time.monotonic()`; what is not begun by then is left for the next run.
        around: makes a context in which a thread decodes several items, where setting it up for each would cost.

    Raises:
        RunError: the disk has too little space, or the cache folder cannot be written. Complete shards stay.
    """
    folder = cache_folder() / form.id
    stands = _shards.survey(folder, form.shape, form.dtype)
    _pass_over_damage(folder, stands, watch)
    damaged = len(stands.damaged)
    is_there = _are_among(stands.shards, list(wanted))
    waiting = [item for item, known in zip(wanted.items(), is_there.tolist(), strict=True) if not known]
    if not waiting:
        return Filled(0, len(wanted), 0, damaged=damaged)
    _prepare(folder, form, len(waiting))
    stage, started = f"decoding {form.modality}s", time.monotonic()
    tell(watch, Started(stage, len(waiting), "items"))
    writer = _shards.Writer(folder, form.shape, form.dtype, len(waiting))
    work = _Work(store, decode, thumbnail, stop_at, around)
    failed: dict[str, str] = {}
    done, size = 0, max(1, min(_CHUNK, _CHUNK_BYTES // max(1, form.item_bytes)))
    try:
        for chunk in _in_threads(work, waiting, threads, size):
            if chunk.values is not None:
                writer.add(chunk.keys, chunk.values, chunk.thumbnails)
            failed |= chunk.failed
            done += len(chunk.keys) + len(chunk.failed)
            tell(watch, Progress(stage, done))
    except KeyboardInterrupt:
        writer.flush()
        raise
    except BaseException:
        writer.abandon()
        raise
    writer.flush()
    tell(watch, Finished(stage, time.monotonic() - started))
    return Filled(done - len(failed), len(wanted) - len(waiting), len(waiting) - done, failed, damaged)


@dataclass(frozen=True)
class _Chunk:
    """Some items after their turn; what is in neither had no turn before time ran out.

    Attributes:
        keys: of those that were decoded.
        values: [decoded, …], or None where there are none.
        thumbnails: [decoded, 32, 32], or None.
        failed: key → why not.
    """

    keys: list[str]
    values: np.ndarray | None
    thumbnails: np.ndarray | None
    failed: dict[str, str]


@dataclass(frozen=True)
class _Work:
    """What a thread needs to decode a few items. It stacks them, so that the thread that writes has little to do."""

    store: Store
    decode: Decode
    thumbnail: Thumbnail | None
    stop_at: float | None
    around: Around

    def __call__(self, chunk: Sequence[tuple[str, str]]) -> _Chunk:
        found: dict[str, np.ndarray] = {}
        failed: dict[str, str] = {}
        with self.around():
            for key, reference in chunk:
                if self.stop_at is not None and time.monotonic() >= self.stop_at:
                    break
                try:
                    found[key] = self._one(key, reference)
                except (DataError, OSError) as problem:
                    failed[key] = reason(problem, item_name(self.store, reference))
            small = [] if self.thumbnail is None else [self.thumbnail(value) for value in found.values()]
        values = np.stack(list(found.values())) if found else None
        return _Chunk(list(found), values, np.stack(small) if small else None, failed)

    def _one(self, key: str, reference: str) -> np.ndarray:
        """Raises:
        DataError: it cannot be decoded, or is not what it was when it was looked at.
        """
        content, page = read_item(self.store, reference)
        if item_hash(content, page) != key:
            raise DataError("it was changed while it was being read; run the command again")
        return self.decode(content, page)


def _in_threads(work: _Work, waiting: Sequence[tuple[str, str]], threads: int, size: int) -> Iterator[_Chunk]:
    """The items in the given order, `size` at a time, only a few ahead of the reader, so that memory stays flat."""
    chunks = (waiting[start : start + size] for start in range(0, len(waiting), size))
    pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="penjing-decode")
    try:
        running: deque[Future[_Chunk]] = deque(pool.submit(work, chunk) for chunk in islice(chunks, 4 * threads))
        while running:
            finished = running.popleft().result()
            running.extend(pool.submit(work, chunk) for chunk in islice(chunks, 1))
            yield finished
    finally:
        pool.shutdown(cancel_futures=True)  # so that Ctrl-C waits for a few items only


def _prepare(folder: Path, form: Form, count: int) -> None:
    """Make the form's folder, once it is clear that the disk can hold what is coming."""
    needed, free = forecast_bytes(form, count), shutil.disk_usage(existing_parent(folder)).free
    if needed > free - _SPARE_BYTES:
        raise RunError(
            f"decoding {count} items needs {show_bytes(needed)} in {folder.parent}, whose disk has {show_bytes(free)} "
            f"free ({show_bytes(_SPARE_BYTES)} are left alone); free some space (penjing cache clear), choose a "
            "smaller --side, or set PENJING_CACHE to a folder on another disk"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob(".*.tmp"):
            if path.stat().st_mtime < time.time() - _STALE_SECONDS:
                path.unlink(missing_ok=True)
    except OSError as problem:
        raise RunError(
            f"cannot write the cache {folder}: {problem.strerror or problem}; set PENJING_CACHE to a folder of yours"
        ) from problem
    if _described(folder) != form:
        write_json(folder / _DESCRIPTION, {**asdict(form), "settings": dict(form.settings), "shape": list(form.shape)})


def _pass_over_damage(folder: Path, found: _shards.Found, watch: Watch) -> None:
    """Take damaged shards away, and say so: a disk that damages files damages more than a cache."""
    for index in found.damaged:
        _shards.remove(index)
    for indices, what in ((found.damaged, "had been damaged"), (found.unreadable, "cannot be read")):
        if indices:
            files = "1 file" if len(indices) == 1 else f"{len(indices)} files"
            tell(watch, Warned(f"{files} of the cache {folder} {what}; what is missing now is decoded again"))


def _described(folder: Path) -> Form | None:
    """The form that a folder of the cache holds, or None when it is not one."""
    try:
        said = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        return Form(said["modality"], said["settings"], tuple(said["shape"]), said["dtype"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _places(shards: Sequence[_shards.Shard]) -> pl.DataFrame:
    """hash → shard and row; an item that is there twice is found once."""
    frames = [
        pl.DataFrame(
            {"hash": item.hashes, "shard": np.full(len(item.hashes), number), "row": np.arange(len(item.hashes))}
        )
        for number, item in enumerate(shards)
    ]
    empty = pl.DataFrame(schema={"hash": pl.String, "shard": pl.Int64, "row": pl.Int64})
    return pl.concat([empty, *frames]).unique("hash", keep="first", maintain_order=True)


def _are_among(shards: Sequence[_shards.Shard], hashes: Sequence[str | None]) -> np.ndarray:
    """Whether each item is in one of the shards: bool [items]; what has no hash is in none."""
    there = pl.concat([pl.Series(dtype=pl.String), *(shard.hashes for shard in shards)])
    return pl.Series(hashes, dtype=pl.String).is_in(there.implode()).fill_null(False).to_numpy()


def _open_some(arrays: Sequence[np.ndarray | Mapped | None], shard: np.ndarray) -> None:
    """Open the files of these shards, as many of them as may be open."""
    for number in np.unique(shard)[: most_open()].tolist():
        one = arrays[number]
        if one is not None:
            array_of(one)


def _gather(
    arrays: Sequence[np.ndarray | Mapped], shard: np.ndarray, row: np.ndarray, shape: tuple[int, ...], dtype: np.dtype
) -> np.ndarray:
    """Row `row[i]` of array `shard[i]`, for all i: [len(row), *shape]."""
    if len(arrays) == 1:
        array = array_of(arrays[0])
        _announce(array, row)
        return array[row]
    gathered = np.empty((len(row), *shape), dtype)
    numbers, at_once = np.unique(shard).tolist(), min(_TAKEN_AT_ONCE, most_open())
    for start in range(0, len(numbers), at_once):
        places = [(array_of(arrays[number]), shard == number) for number in numbers[start : start + at_once]]
        for array, here in places:
            _announce(array, row[here])
        for array, here in places:
            gathered[here] = array[row[here]]
    return gathered


def _announce(array: np.ndarray, rows: np.ndarray) -> None:
    """Tell the system which large items of a mapped file are read next, where it can be told: it fetches them all at
    once instead of page by page as they are touched, several times as many a second from a cold disk."""
    mapped = array.base
    if not isinstance(mapped, np.memmap) or not hasattr(mmap.mmap, "madvise"):
        return
    file, size = mapped.base, array[0].nbytes if len(array) else 0
    if size < ANNOUNCED_BYTES or not isinstance(file, mmap.mmap):
        return
    begin = mapped.offset % mmap.ALLOCATIONGRANULARITY
    for place in np.unique(rows).tolist():
        at = begin + place * size
        page = at - at % mmap.PAGESIZE
        file.madvise(mmap.MADV_WILLNEED, page, at + size - page)


@dataclass(frozen=True)
class Stored:
    """One folder of the cache, for `penjing cache list`.

    Attributes:
        id: its name, to be given to `clear`.
        what: what it holds, for people: "image, side 32, channels 3 …".
        items: how many items.
        size_bytes: on the disk.
    """

    id: str
    what: str
    items: int
    size_bytes: int


def sizes() -> list[Stored]:
    """What the cache holds, the largest first."""
    root = cache_folder()
    folders = list(root.iterdir()) if root.is_dir() else []
    # Only what we know to be ours: PENJING_CACHE may name a folder that holds a person's own things too.
    ours = [path for path in folders if path.name == SCANS or _described(path)]
    return sorted(map(_stored, ours), key=lambda stored: -stored.size_bytes)


def clear(form_id: str | None = None) -> int:
    """Remove one folder of the cache, or all of it. Returns the bytes set free.

    Raises:
        UsageError: there is no such folder.
        RunError: something in it cannot be removed.
    """
    known = {stored.id: stored for stored in sizes()}
    if form_id is not None and form_id not in known:
        raise UsageError(f'there is no "{form_id}" in the cache; {did_you_mean(form_id, known)}')
    chosen = list(known.values()) if form_id is None else [known[form_id]]
    for stored in chosen:
        try:
            shutil.rmtree(cache_folder() / stored.id)
        except OSError as problem:
            raise RunError(f"cannot remove {problem.filename}: {problem.strerror}; is a run using it?") from problem
    return sum(stored.size_bytes for stored in chosen)


def _stored(folder: Path) -> Stored:
    form = _described(folder)
    items = len(_places(_shards.read(folder, form.shape, form.dtype))) if form else 0
    what = "what earlier scans of data folders saw"
    if form is not None:
        what = ", ".join([form.modality, *(f"{name} {value}" for name, value in form.settings.items())])
    return Stored(folder.name, what, items, size_bytes(folder))
