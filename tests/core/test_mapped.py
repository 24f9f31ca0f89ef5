"""However many files a cache has, a process has only some of them open."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from penjing.core import _mapped, cache
from penjing.core._mapped import Mapped
from penjing.core.errors import RunError
from penjing.core.files import cache_folder

FILES = 6


@pytest.fixture
def files(tmp_path: Path) -> list[Mapped]:
    for number in range(FILES):
        np.save(tmp_path / f"{number}.npy", np.full((3, 2), number))
    return [Mapped(tmp_path / f"{number}.npy") for number in range(FILES)]


def are_open(files: list[Mapped]) -> list[int]:
    return [number for number, one in enumerate(files) if one._array is not None]


@pytest.fixture
def two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_mapped, "most_open", lambda: 2)


@pytest.mark.usefixtures("two_at_once")
def test_the_files_that_were_read_last_are_open(files: list[Mapped]) -> None:
    assert [(len(one), one.shape, one.dtype) for one in files] == [(3, (3, 2), np.dtype(int))] * FILES
    assert are_open(files) == []
    held = files[0].array
    for number in (1, 2, 0, 3):
        assert (files[number].array == number).all()
    assert are_open(files) == [0, 3]
    del files[3]  # which makes room
    files[4].array, files[1].array
    assert len(are_open(files)) == 2
    assert (held == 0).all()  # who has it may read it as long as he likes


@pytest.mark.usefixtures("two_at_once")
def test_a_file_that_went_while_it_was_closed_is_named(files: list[Mapped]) -> None:
    for one in (*files[:2], files[3]):
        assert one.array.size
    files[1].path.unlink()
    assert (files[1].array == 1).all()
    assert files[2].array.size
    np.save(files[0].path, np.zeros((3, 3)))
    files[3].path.unlink()
    for one in (files[0], files[3]):
        with pytest.raises(RunError, match=r"npy cannot be read any more .* run the command again"):
            _ = one.array


CHILD = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
sys.path.insert(0, {tests!r})
from penjing.core import _shards, cache
_shards.MOST_ITEMS, cache.KEPT_IN_MEMORY_BYTES = 2, {kept}
import numpy as np
import test_cache
items = range(160)
test_cache.fill(items)
heard = []
assert test_cache.fill(items, watch=heard.append).found == len(items)
assert not heard
order = np.random.default_rng(0).permutation(len(items)).tolist()
column = test_cache.column(order)
for _ in range(2):
    test_cache.assert_right(column, order)
    assert column.thumbnails()[:][:, 0, 0].tolist() == [test_cache.value(number)[0, 0, 0] for number in order]
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
@pytest.mark.parametrize("kept", [0, 10**9], ids=["on disk", "in memory"])
def test_more_shards_than_a_process_may_have_files_are_all_read(kept: int) -> None:
    code = CHILD.format(tests=str(Path(__file__).parent), kept=kept)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no file that is open")
def test_a_column_can_be_read_after_its_cache_was_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    import test_cache

    monkeypatch.setattr(cache, "KEPT_IN_MEMORY_BYTES", 0)
    test_cache.fill(range(9))
    column = test_cache.column(range(9))
    shutil.rmtree(cache_folder())
    test_cache.assert_right(column, range(9))
    assert column.thumbnails()[:].shape == (9, 32, 32)
