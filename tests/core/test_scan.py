"""Every item is read once, and what cannot be read is named and left out."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penjing.core.errors import DataError
from penjing.core.events import Event, Finished, Progress, Started
from penjing.core.files import cache_folder
from penjing.core.scan import FOLDER, scan
from penjing.core.table import Column, Table


@dataclass(frozen=True)
class Length:
    """A header that any bytes have."""

    length: int
    first: str


def probe(content: bytes) -> Length:
    """How long the content is; b"bad" is refused."""
    if content == b"bad":
        raise DataError("it is bad")
    return Length(len(content), chr(content[0]) if len(content) else "")


class Folder:
    """A store that counts what it reads."""

    def __init__(self, root: Path) -> None:
        self.root, self.reads, self._lock = root, 0, threading.Lock()

    def read(self, reference: str) -> bytes:
        with self._lock:
            self.reads += 1
        try:
            return (self.root / reference).read_bytes()
        except OSError as problem:
            raise DataError(f"{self.name(reference)} cannot be read: {problem.strerror}") from problem

    def stamp(self, reference: str) -> tuple[int, int] | None:
        try:
            found = (self.root / reference).stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns

    def name(self, reference: str) -> str:
        return f"data/{reference}"


class Rows:
    """A store over the rows of an array: no stamps, no root."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def read(self, reference: str) -> np.ndarray:
        return self.values[int(reference)]

    def stamp(self, reference: str) -> None:
        return None

    def name(self, reference: str) -> str:
        return f"row {reference}"


def table(store: Folder | Rows, references: list[str]) -> Table:
    return Table(
        pl.DataFrame({"x": references}, schema={"x": pl.String}),
        (Column("x", "input", "image"),),
        {"x": store},
        "data/",
        "test",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """200 files written a minute ago."""
    root = tmp_path / "数据"
    root.mkdir()
    for number in range(200):
        write(root / f"{number:03}", f"{number} content".encode())
    return Folder(root)


def write(path: Path, content: bytes, seconds_ago: float = 60) -> None:
    path.write_bytes(content)
    os.utime(path, (time.time() - seconds_ago,) * 2)


def names(folder: Folder) -> list[str]:
    return sorted(path.name for path in folder.root.iterdir())


def test_rows_come_in_the_tables_order_with_hash_and_header(folder: Folder) -> None:
    backwards = names(folder)[::-1]
    found = scan(table(folder, backwards), "x", probe, threads=3)
    assert found.schema == {"hash": pl.String, "error": pl.String, "length": pl.Int64, "first": pl.String}
    by_hand = [hashlib.blake2b((folder.root / name).read_bytes(), digest_size=16).hexdigest() for name in backwards]
    assert found["hash"].to_list() == by_hand
    assert found["length"].to_list() == [len((folder.root / name).read_bytes()) for name in backwards]
    assert found["error"].null_count() == 200


def test_unreadable_items_say_why_and_do_not_stop_the_others(folder: Folder) -> None:
    write(folder.root / "bad", b"bad")
    (folder.root / "folder").mkdir()
    references = ["000", "bad", "gone", "folder", "001"]
    found = scan(table(folder, references), "x", probe, threads=2)
    assert found["error"].to_list() == [
        None,
        "it is bad",
        "cannot be read: No such file or directory",
        "cannot be read: Is a directory",
        None,
    ]
    assert found["hash"].is_null().to_list() == [False, True, True, True, False]
    assert found["length"].is_null().to_list() == [False, True, True, True, False]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission_is_named(folder: Folder) -> None:
    (folder.root / "000").chmod(0)
    assert scan(table(folder, ["000"]), "x", probe, threads=1)["error"][0] == "cannot be read: Permission denied"


def test_unchanged_files_are_not_read_again(folder: Folder) -> None:
    first = scan(table(folder, names(folder)), "x", probe, threads=2)
    assert folder.reads == 200
    second = scan(table(folder, names(folder)), "x", probe, threads=2)
    assert folder.reads == 200
    assert first.equals(second)


def test_changed_and_new_files_are_read_again_and_the_others_are_not(folder: Folder) -> None:
    scan(table(folder, names(folder)), "x", probe, threads=2)
    write(folder.root / "003", b"other length", seconds_ago=30)
    write(folder.root / "004", b"4 CONTENT", seconds_ago=30)  # same size
    write(folder.root / "new", b"new")
    before = folder.reads
    found = scan(table(folder, names(folder)), "x", probe, threads=2)
    assert folder.reads - before == 3
    assert found["hash"][4] == hashlib.blake2b(b"4 CONTENT", digest_size=16).hexdigest()


def test_a_file_written_just_now_is_not_remembered(folder: Folder) -> None:
    write(folder.root / "hot", b"one", seconds_ago=0)
    scan(table(folder, ["hot"]), "x", probe, threads=1)
    stamp = (folder.root / "hot").stat()
    (folder.root / "hot").write_bytes(b"two")  # same size, and within the clock's grain the same time
    os.utime(folder.root / "hot", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    found = scan(table(folder, ["hot"]), "x", probe, threads=1)
    assert found["hash"][0] == hashlib.blake2b(b"two", digest_size=16).hexdigest()


def test_a_scan_of_some_items_does_not_forget_the_others(folder: Folder) -> None:
    scan(table(folder, names(folder)), "x", probe, threads=1)
    write(folder.root / "000", b"changed", seconds_ago=30)
    scan(table(folder, ["000"]), "x", probe, threads=1)
    before = folder.reads
    scan(table(folder, names(folder)), "x", probe, threads=1)
    assert folder.reads == before


@pytest.mark.parametrize("damage", [b"", b"PAR1 garbage", b"\0" * 5000])
def test_a_damaged_memory_is_ignored_and_replaced(folder: Folder, damage: bytes) -> None:
    first = scan(table(folder, names(folder)), "x", probe, threads=1)
    (memory,) = (cache_folder() / FOLDER).glob("*.parquet")
    memory.write_bytes(damage)
    assert scan(table(folder, names(folder)), "x", probe, threads=1).equals(first)
    before = folder.reads
    assert scan(table(folder, names(folder)), "x", probe, threads=1).equals(first)
    assert folder.reads == before


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PENJING_CACHE", str(tmp_path / "file"))
    assert scan(table(folder, names(folder)), "x", probe, threads=1)["error"].null_count() == 200


def test_rows_of_an_array_are_hashed_and_never_remembered() -> None:
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    found = scan(table(Rows(values), ["0", "1", "2"]), "x", probe_row, threads=2)
    assert found["hash"].n_unique() == 3
    assert not (cache_folder() / FOLDER).exists()


def probe_row(content: np.ndarray) -> Length:
    return Length(len(content), "")


def test_no_items_give_an_empty_frame_with_all_columns(folder: Folder) -> None:
    found = scan(table(folder, []), "x", probe, threads=1)
    assert (len(found), found.columns) == (0, ["hash", "error", "length", "first"])


def test_nothing_is_written_beside_the_data(folder: Folder) -> None:
    before = [(path, path.stat().st_mtime_ns) for path in [folder.root, *sorted(folder.root.iterdir())]]
    scan(table(folder, names(folder)), "x", probe, threads=2)
    assert [(path, path.stat().st_mtime_ns) for path in [folder.root, *sorted(folder.root.iterdir())]] == before


def test_pages_of_one_file_have_different_hashes_and_their_own_memory(folder: Folder) -> None:
    references = ["000", "000#page=1", "000#page=2"]
    found = scan(table(folder, references), "x", probe, threads=1)
    assert found["hash"].n_unique() == 3
    before = folder.reads
    assert scan(table(folder, references), "x", probe, threads=1).equals(found)
    assert folder.reads == before


def test_progress_is_told_and_reaches_the_total(folder: Folder) -> None:
    heard: list[Event] = []
    scan(table(folder, names(folder)), "x", probe, threads=2, watch=heard.append)
    assert heard[0] == Started("reading headers", 200, "items")
    done = [event.done for event in heard if isinstance(event, Progress)]
    assert done == sorted(done)
    assert done[-1] == 200
    assert isinstance(heard[-1], Finished)


def test_a_fault_in_our_own_code_is_not_taken_for_bad_data(folder: Folder) -> None:
    def broken(content: bytes) -> Length:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        scan(table(folder, names(folder)), "x", broken, threads=2)
