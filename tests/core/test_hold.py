"""Of two processes that would write into one run, the second is refused."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from penjing.core.errors import RunError
from penjing.core.hold import held

HOLDING = """
import sys, time
from pathlib import Path
from penjing.core.hold import held

with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_folder_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(RunError, match="another process writes into"), held(tmp_path):
        pytest.fail("two hold it")
    with held(tmp_path):
        pass


def test_a_process_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDING, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "held"
        with pytest.raises(RunError, match="another process writes into"), held(tmp_path):
            pytest.fail("two hold it")
        other.kill()
        other.wait()
    with held(tmp_path):
        pass


def test_a_file_system_without_locks_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr("penjing.core.hold._lock", refuse)
    with held(tmp_path):
        (tmp_path / "run.json").touch()
    assert sorted(file.name for file in tmp_path.iterdir()) == [".lock", "run.json"]


def test_a_folder_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"cannot write .*\.lock"), held(tmp_path / "gone"):
        pytest.fail("nothing is there to hold")
