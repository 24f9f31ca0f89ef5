"""Shards: immutable files of decoded items. Used by `core/cache.py` only.

A shard is `<name>.npy` (values), `<name>.thumbnails.npy` (where there are any) and `<name>.parquet` (hash → row). All
three are written under temporary names; the index is moved into place last, and a shard is there when its index is.
What a kill leaves behind is therefore never read.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from penjing.core.files import disk_error

MOST_ITEMS = 8192
MOST_BYTES = 128 * 2**20


@dataclass(frozen=True)
class Shard:
    """One complete shard, mapped from the disk: values [items, …], thumbnails [items, 32, 32] or None, and hashes."""

    values: np.ndarray
    thumbnails: np.ndarray | None
    hashes: pl.Series


class Writer:
    """Collects decoded items and writes them as shards into one folder.

    Args:
        folder: the form's folder; it exists.
        shape: of one item.
        dtype: of one item.
        expected: how many items will come at most, to reserve no more memory than needed.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: str, expected: int) -> None:
        item_bytes = max(1, int(np.prod(shape)) * np.dtype(dtype).itemsize)
        self.folder = folder
        self.capacity = max(1, min(MOST_ITEMS, MOST_BYTES // item_bytes, expected))
        self._values = np.empty((self.capacity, *shape), dtype)
        self._thumbnails: list[np.ndarray] = []
        self._hashes: list[str] = []

    def add(self, keys: Sequence[str], values: np.ndarray, thumbnails: np.ndarray | None) -> None:
        """Keep some items; a full shard is written at once.

        Args:
            keys: their hashes.
            values: [items, …].
            thumbnails: uint8 [items, 32, 32], or None where items have no picture.

        Raises:
            RunError: the disk is full or the cache folder cannot be written.
        """
        assert values.shape[1:] == self._values.shape[1:], "the decoder gives what its form says"
        first = 0
        while first < len(keys):
            last = min(len(keys), first + self.capacity - len(self._hashes))
            held = slice(len(self._hashes), len(self._hashes) + last - first)
            self._values[held] = values[first:last]
            if thumbnails is not None:
                self._thumbnails.append(thumbnails[first:last])
            self._hashes.extend(keys[first:last])
            if len(self._hashes) == self.capacity:
                self.flush()
            first = last

    def flush(self) -> None:
        """Write what is held as a shard.

        Raises:
            RunError: the disk is full or the cache folder cannot be written; nothing half-written is left.
        """
        if not self._hashes:
            return
        name = uuid.uuid4().hex
        arrays = {f"{name}.npy": self._values[: len(self._hashes)]}
        if self._thumbnails:
            arrays[f"{name}.thumbnails.npy"] = np.concatenate(self._thumbnails)
        try:
            for file, array in arrays.items():
                _save(self.folder / file, array)
            temporary = self.folder / f".{name}.parquet.tmp"
            index = pl.DataFrame({"hash": self._hashes})
            index.with_columns(has_thumbnail=pl.lit(bool(self._thumbnails))).write_parquet(temporary)
            temporary.replace(self.folder / f"{name}.parquet")
        except OSError as problem:
            for path in self.folder.glob(f"*{name}*"):
                path.unlink(missing_ok=True)
            raise disk_error(problem, self.folder / f"{name}.npy") from problem
        self._hashes.clear()
        self._thumbnails.clear()


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
        _mapped(path.with_suffix(".npy")),
        _mapped(path.with_suffix(".thumbnails.npy")) if index["has_thumbnail"].all() else None,
        index["hash"].cast(pl.String),
    )
    lengths = {len(array) for array in (shard.values, shard.hashes, shard.thumbnails) if array is not None}
    if len(lengths) != 1 or shard.values.shape[1:] != shape or shard.values.dtype != np.dtype(dtype):
        raise ValueError("the files of this shard do not belong together")
    return shard


def _mapped(path: Path) -> np.ndarray:
    return np.asarray(np.load(path, mmap_mode="r"))
