"""The cache gives back what was decoded, whatever happens while it is written."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from penjing.core import _shards, cache
from penjing.core.cache import CachedColumn, Form
from penjing.core.errors import DataError, RunError, UsageError
from penjing.core.events import Event, Finished, Progress, Started, Warned
from penjing.core.files import cache_folder
from penjing.core.items import item_hash

FORM = Form("image", {"side": 4}, (4, 4, 1))


class Numbers:
    """A store whose item "7" holds b"7"; what is in `gone` cannot be read."""

    def __init__(self, gone: tuple[str, ...] = ()) -> None:
        self.gone = gone

    def read(self, reference: str) -> bytes:
        if reference in self.gone:
            raise DataError(f"item {reference}: it is gone")
        return reference.encode()

    def stamp(self, reference: str) -> None:
        return None

    def name(self, reference: str) -> str:
        return f"item {reference}"


def value(number: int) -> np.ndarray:
    return ((np.arange(16) * 7 + number * 13) % 256).astype(np.uint8).reshape(4, 4, 1)


def decode(content: bytes, page: int | None) -> np.ndarray:
    return value(int(content))


def thumbnail(decoded: np.ndarray) -> np.ndarray:
    return np.full((32, 32), decoded[0, 0, 0], np.uint8)


def key(number: int) -> str:
    return item_hash(str(number).encode())


def wanted(*numbers: int) -> dict[str, str]:
    return {key(number): str(number) for number in numbers}


def fill(numbers: range | list[int], **options: Any) -> cache.Filled:
    options = {"threads": 2, "store": Numbers(), "decode": decode, "thumbnail": thumbnail, **options}
    return cache.fill(FORM, wanted(*numbers), **options)


def column(numbers: range | list[int]) -> CachedColumn:
    return cache.open_column(FORM.id, [key(number) for number in numbers])


def assert_right(opened: CachedColumn, numbers: range | list[int]) -> None:
    np.testing.assert_array_equal(opened.take(np.arange(len(numbers))), np.stack([value(n) for n in numbers]))


def shard_files(ending: str) -> list[Path]:
    return sorted((cache_folder() / FORM.id).glob(f"*{ending}"))


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_shards, "MOST_ITEMS", 30)


# --- filling and reading -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("kept_bytes", [0, 10**9], ids=["on disk", "in memory"])
def test_items_come_back_in_the_order_that_is_asked_for(kept_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "KEPT_IN_MEMORY_BYTES", kept_bytes)
    assert fill(range(100)) == cache.Filled(decoded=100, found=0, missing=0)
    assert len(shard_files(".parquet")) == 4
    order = np.random.default_rng(0).permutation(100).tolist()
    order += order[:5]  # an item may occur twice
    opened = column(order)
    assert (len(opened), opened.shape, opened.dtype) == (105, (4, 4, 1), np.dtype(np.uint8))
    assert_right(opened, order)
    index = np.array([104, 3, 3, 50])
    np.testing.assert_array_equal(opened.take(index), np.stack([value(order[i]) for i in index]))
    np.testing.assert_array_equal(opened.thumbnails()[:][:, 5, 5], [value(n)[0, 0, 0] for n in order])
    np.testing.assert_array_equal(np.asarray(opened.thumbnails()), opened.thumbnails()[np.arange(105)])


@pytest.mark.parametrize("kept_bytes", [0, 10**9], ids=["on disk", "in memory"])
def test_what_is_taken_is_a_copy_that_may_be_written_to(kept_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "KEPT_IN_MEMORY_BYTES", kept_bytes)
    fill(range(5))
    opened = column(range(5))
    taken = opened.take(np.array([1, 2]))
    assert type(taken) is np.ndarray
    taken[:] = 0
    assert_right(opened, range(5))


def test_a_boolean_index_picks_items() -> None:
    fill(range(5))
    np.testing.assert_array_equal(column(range(5)).take(np.array([0, 1, 0, 0, 1], bool))[1], value(4))


def test_only_what_is_missing_is_decoded() -> None:
    fill(range(10))
    seen: list[int] = []
    filled = fill(range(15), decode=lambda content, page: (seen.append(int(content)), value(int(content)))[1])
    assert sorted(seen) == [10, 11, 12, 13, 14]
    assert (filled.decoded, filled.found) == (5, 10)
    assert fill(range(15)) == cache.Filled(0, 15, 0)
    assert_right(column(range(15)), range(15))


def test_no_items_make_an_empty_column() -> None:
    fill(range(1))
    opened = column([])
    assert opened.take(np.zeros(0, int)).shape == (0, 4, 4, 1)
    assert opened.thumbnails().shape == (0, 32, 32)


def test_an_item_that_is_not_there_is_an_error_with_the_way_out() -> None:
    fill(range(3))
    with pytest.raises(RunError, match=r"2 of 5 items are not in the cache .*run the command again"):
        column(range(5))
    with pytest.raises(RunError, match="1 of 1 items are not in the cache"):
        cache.open_column("image-unknown", [key(1)])


def test_what_is_present_is_known_item_by_item() -> None:
    assert cache.present(FORM, [key(1)]).tolist() == [False]
    fill(range(3))
    assert cache.present(FORM, [key(n) for n in (0, 5, 2, 0)]).tolist() == [True, False, True, True]
    assert cache.present(FORM, []).tolist() == []


def test_items_without_thumbnails_say_so() -> None:
    fill(range(3), thumbnail=None)
    with pytest.raises(RunError, match="no thumbnails"):
        column(range(3)).thumbnails()


def test_forms_differ_by_every_field() -> None:
    forms = [
        FORM,
        Form("audio", {"side": 4}, (4, 4, 1)),
        Form("image", {"side": 5}, (4, 4, 1)),
        Form("image", {"side": 4}, (4, 4, 3)),
        Form("image", {"side": 4}, (4, 4, 1), "int16"),
    ]
    assert len({form.id for form in forms}) == 5
    assert Form("image", {"a": 1, "b": 2}, (1,)).id == Form("image", {"b": 2, "a": 1}, (1,)).id


def test_another_type_of_values_is_kept() -> None:
    form = Form("audio", {}, (3,), "int16")
    cache.fill(form, wanted(1), Numbers(), lambda content, page: np.array([1, -300, 30000], np.int16), threads=1)
    np.testing.assert_array_equal(cache.open_column(form.id, [key(1)]).take(np.array([0])), [[1, -300, 30000]])


def test_the_decoder_is_told_the_page() -> None:
    hashes = {item_hash(b"5", page): f"5#page={page}" for page in (1, 2)}
    cache.fill(FORM, hashes, Numbers(), lambda content, page: value(page or 0), threads=1)
    np.testing.assert_array_equal(cache.open_column(FORM.id, list(hashes)).take(np.arange(2)), [value(1), value(2)])


# --- what goes wrong ---------------------------------------------------------------------------------------------


def test_items_that_fail_are_returned_with_their_reason() -> None:
    def picky(content: bytes, page: int | None) -> np.ndarray:
        if int(content) % 10 == 3:
            raise DataError("it is damaged")
        return decode(content, page)

    filled = fill(range(50), decode=picky, store=Numbers(gone=("7",)))
    assert filled.failed == {key(n): "it is damaged" for n in (3, 13, 23, 33, 43)} | {key(7): "it is gone"}
    assert filled.decoded == 44
    rest = [n for n in range(50) if n % 10 != 3 and n != 7]
    assert_right(column(rest), rest)


def test_a_file_that_changed_after_it_was_hashed_does_not_poison_the_cache() -> None:
    filled = cache.fill(FORM, {key(1): "2"}, Numbers(), decode, threads=1)
    assert "changed while it was being read" in filled.failed[key(1)]
    assert filled.decoded == 0


def test_a_fault_in_our_own_code_is_not_taken_for_bad_data() -> None:
    with pytest.raises(ZeroDivisionError):
        fill(range(50), decode=lambda content, page: value(1 // 0))


def test_it_stops_at_the_deadline_with_the_first_items_done_and_goes_on_next_time() -> None:
    def slow(content: bytes, page: int | None) -> np.ndarray:
        time.sleep(0.005)
        return decode(content, page)

    first = fill(range(1000), decode=slow, stop_at=time.monotonic() + 0.3)
    assert first.missing > 0
    assert first.decoded >= 16
    assert first.decoded + first.missing == 1000
    assert_right(
        column(range(first.decoded - 32)), range(first.decoded - 32)
    )  # in the order given, up to a chunk a thread
    second = fill(range(1000))
    assert (second.found, second.missing) == (first.decoded, 0)
    assert_right(column(range(1000)), range(1000))


def test_a_deadline_in_the_past_decodes_nothing() -> None:
    assert fill(range(5), stop_at=time.monotonic() - 1) == cache.Filled(0, 0, 5)


def test_a_disk_that_is_too_small_is_refused_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=200_000_100))
    with pytest.raises(
        RunError, match=r"decoding 100 items needs 110 kB in .*penjing cache clear.*--side.*PENJING_CACHE"
    ):
        fill(range(100), decode=lambda content, page: pytest.fail("it was decoded"))
    assert not cache_folder().exists()


def test_a_full_disk_ends_in_a_sentence_and_leaves_complete_shards_only(
    small_shards: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, written = _shards._save, []

    def full(path: Path, array: np.ndarray) -> None:
        written.append(path)
        if len(written) == 2:  # the thumbnails of the second shard
            raise OSError(errno.ENOSPC, "No space left on device")
        save(path, array)

    monkeypatch.setattr(_shards, "_save", full)
    with pytest.raises(RunError, match="no space left on the disk"):
        fill(range(100))
    monkeypatch.setattr(_shards, "_save", save)
    assert len(shard_files(".npy")) == 2
    assert_right(column(range(30)), range(30))
    assert fill(range(100)).found == 30


def test_a_disk_that_fails_while_items_are_decoded_ends_in_a_sentence(
    small_shards: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, synced = os.fsync, []

    def failing(file: int) -> None:
        synced.append(file)
        if len(synced) > 5:  # in the second shard, by the other thread
            raise OSError(errno.EIO, "Input/output error")
        sync(file)

    monkeypatch.setattr(_shards, "SYNCED_BYTES", 100)
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(RunError, match=r"cannot write .*npy: Input/output error"):
        fill(range(100))
    monkeypatch.setattr(os, "fsync", sync)
    assert not list(cache_folder().rglob("*.tmp"))
    kept = len(shard_files(".parquet")) * 30
    assert len(shard_files(".npy")) == 2 * len(shard_files(".parquet"))
    assert fill(range(100)).found == kept


@pytest.mark.parametrize("blocked", ["file in the way", "folder without permission"])
def test_a_cache_folder_that_cannot_be_made_is_named(
    blocked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    if blocked == "file in the way":
        place.write_text("")
    elif os.name == "nt" or os.geteuid() == 0:
        pytest.skip("the superuser may write everything")
    else:
        place.mkdir(mode=0o500)
    monkeypatch.setenv("PENJING_CACHE", str(place / "cache"))
    with pytest.raises(RunError, match=r"cannot write the cache .*PENJING_CACHE"):
        fill(range(3))


@pytest.mark.usefixtures("small_shards")
def test_ctrl_c_keeps_what_is_decoded() -> None:
    def interrupted(content: bytes, page: int | None) -> np.ndarray:
        if int(content) == 80:
            raise KeyboardInterrupt
        return decode(content, page)

    with pytest.raises(KeyboardInterrupt):
        fill(range(100), decode=interrupted)
    assert 64 <= fill(range(100)).found <= 80
    assert_right(column(range(100)), range(100))


def stopped_after(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, calls: int) -> None:
    """Ctrl-C comes at the end of so many calls of a function."""
    real, called = getattr(place, name), []

    def stopped(*given: Any) -> Any:
        found = real(*given)
        called.append(1)
        if len(called) == calls:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(place, name, stopped)


@pytest.mark.parametrize(
    ("place", "name", "calls", "kept"),
    [
        (_shards.GrowingFile, "_wait", 2, 32),  # where items are added, of which there are more than hashes then
        (_shards.GrowingFile, "_wait", 8, 200),
        (_shards.GrowingFile, "finish", 1, 200),
        (_shards.os, "fsync", 8, 200),  # where a file is finished; the others were of the thread beside
        (_shards, "_save", 1, 200),
        (Path, "replace", 4, 200),  # that of the index
    ],
)
def test_ctrl_c_while_a_shard_is_written_keeps_what_is_whole_of_it(
    place: Any, name: str, calls: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_shards, "SYNCED_BYTES", 1)
    with monkeypatch.context() as patch:
        stopped_after(patch, place, name, calls)
        with pytest.raises(KeyboardInterrupt):
            fill(range(200))
    heard: list[Event] = []
    assert fill(range(200), watch=heard.append) == cache.Filled(decoded=200 - kept, found=kept, missing=0)
    assert not [event for event in heard if isinstance(event, Warned)]
    assert_right(column(range(200)), range(200))
    np.testing.assert_array_equal(column(range(200)).thumbnails()[:][:, 0, 0], [value(n)[0, 0, 0] for n in range(200)])


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize(
    ("ending", "damage"),
    [
        (".parquet", lambda path: path.write_bytes(b"PAR1 nothing of the kind")),
        (".parquet", lambda path: path.write_bytes(path.read_bytes()[:-20])),
        (".parquet", lambda path: pl.DataFrame({"hash": ["a"]}).write_parquet(path)),
        (".parquet", lambda path: pl.DataFrame({"other": [1]}).write_parquet(path)),
        (".npy", lambda path: path.unlink()),
        (".npy", lambda path: path.write_bytes(b"")),
        (".npy", lambda path: os.truncate(path, path.stat().st_size - 1)),
        (".npy", lambda path: np.save(path, np.zeros((30, 5, 5, 1), np.uint8))),
        (".npy", lambda path: np.save(path, np.zeros((30, 4, 4, 1), np.float32))),
        (".thumbnails.npy", lambda path: os.truncate(path, path.stat().st_size - 1)),
        (".thumbnails.npy", lambda path: path.unlink()),
    ],
)
def test_a_damaged_shard_is_left_out_and_its_items_are_decoded_again(
    ending: str, damage: Callable[[Path], object]
) -> None:
    fill(range(60))
    (victim,) = [path for path in shard_files(ending) if path.name.count(".") == ending.count(".")][:1]
    damage(victim)
    heard: list[Event] = []
    assert fill(range(60), watch=heard.append) == cache.Filled(decoded=30, found=30, missing=0, damaged=1)
    assert_right(column(range(60)), range(60))
    assert column(range(60)).thumbnails().shape == (60, 32, 32)
    (warned,) = [event.message for event in heard if isinstance(event, Warned)]
    assert warned.startswith(f"1 file of the cache {cache_folder() / FORM.id} had been damaged; ")
    assert fill(range(60)) == cache.Filled(0, 60, 0)  # it is gone, so it is not said again


@pytest.mark.usefixtures("small_shards")
def test_a_shard_that_cannot_be_read_now_is_said_but_not_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(range(60))
    before = shard_files(".parquet")
    opened = _shards._open

    def refused(path: Path, *form: Any) -> _shards.Shard:
        if path == before[0]:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *form)

    monkeypatch.setattr(_shards, "_open", refused)
    heard: list[Event] = []
    assert fill(range(60), watch=heard.append) == cache.Filled(decoded=30, found=30, missing=0)
    assert next(event.message for event in heard if isinstance(event, Warned)).startswith("1 file of the cache ")
    assert set(before) < set(shard_files(".parquet"))


@pytest.mark.usefixtures("small_shards")
def test_a_shard_without_an_index_was_never_finished_and_is_no_damage() -> None:
    fill(range(60))
    shard_files(".parquet")[0].unlink()
    heard: list[Event] = []
    assert fill(range(60), watch=heard.append) == cache.Filled(decoded=30, found=30, missing=0)
    assert not [event for event in heard if isinstance(event, Warned)]


# --- several processes -------------------------------------------------------------------------------------------

CHILD = """
import sys, time
sys.path.insert(0, {tests!r})
from penjing.core import _shards
_shards.MOST_ITEMS = 30
import test_cache
def slow(content, page):
    time.sleep(0.001)
    return test_cache.decode(content, page)
print("ready", flush=True)
test_cache.fill(range(600), decode=slow)
"""


def child() -> subprocess.Popen[str]:
    code = CHILD.format(tests=str(Path(__file__).parent))
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_two_processes_filling_at_once_are_both_right() -> None:
    workers = [child(), child()]
    for worker in workers:
        worker.communicate(timeout=60)
        assert worker.returncode == 0
    assert fill(range(600)) == cache.Filled(0, 600, 0)
    assert_right(column(range(600)), range(600))


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_a_kill_at_any_moment_leaves_a_cache_that_is_right() -> None:
    random = np.random.default_rng(0)
    for _ in range(3):
        worker = child()
        assert worker.stdout is not None
        worker.stdout.readline()
        time.sleep(float(random.uniform(0.05, 0.25)))
        worker.send_signal(signal.SIGKILL)
        worker.communicate(timeout=60)
    filled = fill(range(600))
    assert filled.decoded + filled.found == 600
    assert_right(column(range(600)), range(600))


def test_what_kills_left_behind_is_removed_after_a_day() -> None:
    fill(range(3))
    old, fresh = (cache_folder() / FORM.id / f".{name}.npy.tmp" for name in ("old", "fresh"))
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 2 * 24 * 3600,) * 2)
    fill(range(5))
    assert not old.exists()
    assert fresh.exists()


def test_a_column_may_be_read_by_many_threads(small_shards: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "KEPT_IN_MEMORY_BYTES", 0)
    fill(range(100))
    opened, wrong = column(range(100)), []

    def read(seed: int) -> None:
        for _ in range(20):
            index = np.random.default_rng(seed).integers(0, 100, 32)
            if not np.array_equal(opened.take(index), np.stack([value(i) for i in index])):
                wrong.append(seed)

    readers = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert wrong == []


# --- telling, listing, clearing ----------------------------------------------------------------------------------


def test_progress_is_told_and_reaches_the_total() -> None:
    heard: list[Event] = []
    fill(range(100), watch=heard.append)
    assert heard[0] == Started("decoding images", 100, "items")
    done = [event.done for event in heard if isinstance(event, Progress)]
    assert done == sorted(done)
    assert done[-1] == 100
    assert isinstance(heard[-1], Finished)


def test_the_cache_lists_what_it_holds_and_what_it_takes() -> None:
    assert cache.sizes() == []
    fill(range(10))
    (stored,) = cache.sizes()
    assert (stored.id, stored.what, stored.items) == (FORM.id, "image, side 4", 10)
    assert stored.size_bytes == sum(path.stat().st_size for path in (cache_folder() / FORM.id).iterdir())
    assert stored.size_bytes >= cache.forecast_bytes(FORM, 10) / 2


def test_clearing_removes_our_folders_and_nothing_else() -> None:
    fill(range(10))
    thesis = cache_folder() / "thesis"
    thesis.mkdir()
    (thesis / "chapter1.txt").write_text("years of work")
    size_bytes = cache.sizes()[0].size_bytes
    with pytest.raises(UsageError, match=r'there is no "image-zzz" in the cache; '):
        cache.clear("image-zzz")
    with pytest.raises(UsageError, match='there is no "thesis" in the cache'):
        cache.clear("thesis")
    assert cache.clear() == size_bytes
    assert cache.sizes() == []
    assert (thesis / "chapter1.txt").read_text() == "years of work"
    assert fill(range(10)).decoded == 10


class Peak(NamedTuple):
    """Anonymous memory of a process, before and after, in bytes."""

    before: int
    after: int


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="anonymous memory is read from /proc")
def test_a_column_larger_than_the_limit_stays_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def anonymous() -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))

    form = Form("image", {"side": 256}, (256, 256, 3))
    big = np.ones((256, 256, 3), np.uint8)
    cache.fill(form, wanted(*range(400)), Numbers(), lambda content, page: big, threads=1)  # 79 MB
    monkeypatch.setattr(cache, "KEPT_IN_MEMORY_BYTES", 10**6)
    peak = Peak(anonymous(), 0)
    opened = cache.open_column(form.id, [key(n) for n in range(400)])
    total = sum(int(opened.take(np.arange(start, start + 8)).sum()) for start in range(0, 400, 8))
    assert total == 400 * big.size
    assert anonymous() - peak.before < 20e6


def test_large_items_are_announced_before_they_are_read_and_are_the_same(tmp_path, monkeypatch):
    values = np.random.default_rng(0).integers(0, 256, (40, 90, 80, 3), dtype=np.uint8)
    np.save(tmp_path / "values.npy", values)
    told = []

    mapped = np.asarray(np.load(tmp_path / "values.npy", mmap_mode="r"))
    advise = cache._announce
    monkeypatch.setattr(cache, "_announce", lambda array, rows: (told.append(len(rows)), advise(array, rows)))
    rows = np.array([3, 39, 0, 3])
    taken = cache._gather([mapped, mapped], np.array([0, 1, 1, 0]), rows, values.shape[1:], values.dtype)
    assert (taken == values[rows]).all()
    assert told == [2, 2]
    assert mapped[0].nbytes >= cache.ANNOUNCED_BYTES
