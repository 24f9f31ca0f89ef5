"""Shards: immutable files of decoded items. Used by `core/cache.py` only.

A shard is `<name>.npy` (values), `<name>.thumbnails.npy` (where there are any) and `<name>.parquet` (hash → row). All
three are written under temporary names; the index is moved into place last, and a shard is there when its index is.
What a kill leaves behind is therefore never read.
"""

from __future__ import annotations

import contextlib
import math
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import numpy as np
import polars as pl

from penjing.core._mapped import Mapped
from penjing.core.files import disk_error

MOST_ITEMS = 8192
MOST_BYTES = 128 * 2**20
SYNCED_BYTES = 8 * 2**20  # written before they are brought to the disk


@dataclass(frozen=True)
class Shard:
    """One complete shard, on the disk: values [items, …], thumbnails [items, 32, 32] or None, and hashes."""

    values: Mapped
    thumbnails: Mapped | None
    hashes: pl.Series


class Writer:
    """Writes decoded items as shards into one folder, as they come.

    Args:
        folder: the form's folder; it exists.
        shape: of one item.
        dtype: of one item.
        expected: how many items will come at most.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: str, expected: int) -> None:
        item_bytes = max(1, int(np.prod(shape)) * np.dtype(dtype).itemsize)
        self.folder, self._shape, self._dtype = folder, shape, np.dtype(dtype)
        self.capacity = max(1, min(MOST_ITEMS, MOST_BYTES // item_bytes, expected))
        self._name = ""
        self._values: GrowingFile | None = None
        self._thumbnails: list[np.ndarray] = []
        self._hashes: list[str] = []

    def add(self, keys: Sequence[str], values: np.ndarray, thumbnails: np.ndarray | None) -> None:
        """Keep some items; a full shard is finished at once.

        Args:
            keys: their hashes.
            values: [items, …].
            thumbnails: uint8 [items, 32, 32], or None where items have no picture.

        Raises:
            RunError: the disk is full or the cache folder cannot be written; nothing half-written is left.
        """
        assert (values.shape[1:], values.dtype) == (self._shape, self._dtype), "the decoder gives what its form says"
        first = 0
        while first < len(keys):
            last = min(len(keys), first + self.capacity - len(self._hashes))
            with self._cleared_up():
                self._growing().add(values[first:last])
            if thumbnails is not None:
                self._thumbnails.append(thumbnails[first:last])
            self._hashes.extend(keys[first:last])
            if len(self._hashes) == self.capacity:
                self.flush()
            first = last

    def flush(self) -> None:
        """Finish the shard that is being written. Where Ctrl-C came in the midst of `add`, it holds the items of which
        all is there; where it came in the midst of this, calling it once more finishes it.

        Raises:
            RunError: the disk is full or the cache folder cannot be written; nothing half-written is left.
        """
        if not self._hashes:
            return
        name, count = self._name, len(self._hashes)
        with self._cleared_up():
            self._growing().finish(count)
            if self._thumbnails:
                _save(self.folder / f"{name}.thumbnails.npy", np.concatenate(self._thumbnails)[:count])
            temporary = self.folder / f".{name}.parquet.tmp"
            index = pl.DataFrame({"hash": self._hashes})
            index.with_columns(has_thumbnail=pl.lit(bool(self._thumbnails))).write_parquet(temporary)
            temporary.replace(self.folder / f"{name}.parquet")
        self._hashes.clear()  # first, for without them there is nothing to finish
        self._thumbnails.clear()
        self._name, self._values = "", None

    def abandon(self) -> None:
        """Take away what there is of the shard that is being written, after something went wrong."""
        if self._values is not None:
            self._values.abandon()
            self._values = None
        if self._name:
            for path in self.folder.glob(f"*{self._name}*"):
                path.unlink(missing_ok=True)

    def _growing(self) -> GrowingFile:
        """The file of the shard that is being written."""
        if self._values is None:
            self._name = uuid.uuid4().hex
            self._values = GrowingFile(self.folder / f"{self._name}.npy", self._shape, self._dtype)
        return self._values

    @contextlib.contextmanager
    def _cleared_up(self) -> Iterator[None]:
        """Where writing fails, what the shard has of files goes, and a sentence is raised."""
        try:
            yield
        except OSError as problem:
            self.abandon()
            raise disk_error(problem, self.folder / f"{self._name}.npy") from problem


class GrowingFile:
    """An array in a file to which items are added, and which another thread brings to the disk meanwhile: at the end
    little is left to wait for.

    Args:
        path: of the file; until it is finished it has a temporary name.
        shape: of one item.
        dtype: of one item.

    Raises:
        OSError: it cannot be written; every method does.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self._path, self._temporary = path, path.parent / f".{path.name}.tmp"
        self._shape, self._dtype, self._waiting_bytes = shape, dtype, 0
        self._file = self._temporary.open("wb")
        self._head(0)
        self._syncing: Thread | None = None
        self._problem: OSError | None = None

    def add(self, values: np.ndarray) -> None:
        """Append items: [items, …]."""
        self._file.write(np.ascontiguousarray(values).data)
        self._waiting_bytes += values.nbytes
        if self._waiting_bytes >= SYNCED_BYTES:
            self._wait()
            self._file.flush()
            self._syncing, self._waiting_bytes = Thread(target=self._sync, daemon=True), 0
            self._syncing.start()

    def finish(self, count: int) -> None:
        """The file holds the first `count` items, is on the disk and not just on its way there, and has its name."""
        self._wait()
        if not self._file.closed:  # else Ctrl-C came after that
            self._file.seek(0)
            self._head(count)
            self._file.truncate(self._file.tell() + count * math.prod(self._shape) * self._dtype.itemsize)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        if not self._path.exists():
            self._temporary.replace(self._path)

    def abandon(self) -> None:
        """Close what will not be finished."""
        with contextlib.suppress(OSError):
            self._wait()
        with contextlib.suppress(OSError):
            self._file.close()

    def _head(self, count: int) -> None:
        """NumPy leaves room in the head for the count to grow, so the last one takes as many bytes as the first."""
        described = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False}
        np.lib.format.write_array_header_1_0(self._file, {**described, "shape": (count, *self._shape)})

    def _sync(self) -> None:
        try:
            os.fsync(self._file.fileno())
        except OSError as problem:
            self._problem = problem

    def _wait(self) -> None:
        if self._syncing is not None:
            self._syncing.join()
            self._syncing = None
        if self._problem is not None:
            raise self._problem


def _save(path: Path, array: np.ndarray) -> None:
    """An array in a file that is on the disk, not just on its way there, when this returns."""
    temporary = path.parent / f".{path.name}.tmp"
    with temporary.open("wb") as file:
        np.save(file, array)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


@dataclass(frozen=True)
class Found:
    """What stands in a folder: complete shards in the order of their names, and the indices of the others.

    Attributes:
        shards: what can be used.
        damaged: torn and garbled, for good.
        unreadable: what the system does not let us read now; it may be whole.
    """

    shards: list[Shard]
    damaged: list[Path]
    unreadable: list[Path]


def read(folder: Path, shape: tuple[int, ...], dtype: str) -> list[Shard]:
    """The complete shards in a folder, in the order of their names; all others are left out."""
    return survey(folder, shape, dtype).shards


def survey(folder: Path, shape: tuple[int, ...], dtype: str) -> Found:
    """What stands in a folder, the shards that cannot be used too."""
    found = Found([], [], [])
    for path in sorted(folder.glob("*.parquet")) if folder.is_dir() else []:
        try:
            found.shards.append(_open(path, shape, dtype))
        except FileNotFoundError:
            if path.exists():  # else another process has just removed it
                found.damaged.append(path)
        except (OSError, MemoryError):
            found.unreadable.append(path)
        except Exception:  # whatever a reader trips over in a broken file
            found.damaged.append(path)
    return found


def remove(index: Path) -> None:
    """Take a damaged shard away, its index first; what cannot be removed stays and is never read."""
    for path in (index, index.with_suffix(".npy"), index.with_suffix(".thumbnails.npy")):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _open(path: Path, shape: tuple[int, ...], dtype: str) -> Shard:
    """The shard with this index.

    Raises:
        Exception: one of its files is missing, torn or garbled; of a kind that is the reader's choice.
    """
    index = pl.read_parquet(path)
    shard = Shard(
        Mapped(path.with_suffix(".npy")),
        Mapped(path.with_suffix(".thumbnails.npy")) if index["has_thumbnail"].all() else None,
        index["hash"].cast(pl.String),
    )
    lengths = {len(array) for array in (shard.values, shard.hashes, shard.thumbnails) if array is not None}
    if len(lengths) != 1 or shard.values.shape[1:] != shape or shard.values.dtype != np.dtype(dtype):
        raise ValueError("the files of this shard do not belong together")
    return shard
