import platform
import subprocess
import sys

import pytest

from penjing.core import process
from penjing.core.process import WAITING, tune_process, usable_cores


def test_how_threads_wait_is_said_before_torch_is_loaded():
    environment: dict[str, str] = {}
    tune_process(environment)
    assert environment == WAITING


@pytest.mark.parametrize("chosen", [{"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "7"}])
def test_how_a_person_has_threads_wait_is_kept(chosen):
    environment = dict(chosen)
    tune_process(environment)
    assert environment == chosen


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator settings are glibc's")
def test_the_allocator_can_be_tuned_with_glibc():
    code = "from penjing.core.process import tune_process; assert tune_process({}) is True"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_elsewhere_the_allocator_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert tune_process({}) is False


def test_there_is_at_least_one_core():
    assert usable_cores() >= 1


@pytest.mark.parametrize(
    ("newer", "older", "filled"),
    [
        ("150000 100000", None, 2),
        ("50000 100000", ("400000", "100000"), 1),  # the newer way goes first
        ("max 100000", None, 8),
        (None, ("400000\n", "100000\n"), 4),
        (None, ("-1", "100000"), 8),
        (None, ("0", "0"), 8),
        ("", None, 8),
        (None, None, 8),
    ],
)
def test_a_container_uses_no_more_cores_than_its_share_of_time_fills(newer, older, filled, tmp_path, monkeypatch):
    files = [tmp_path / name for name in ("cpu.max", "quota", "period")]
    for file, text in zip(files, (newer, *(older or (None, None))), strict=True):
        if text is not None:
            file.write_text(text, encoding="ascii")
    monkeypatch.setattr(process, "QUOTAS", ((files[0],), files[1:]))
    monkeypatch.setattr(process.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert usable_cores() == filled


def test_a_run_knows_what_was_set_of_the_allocator():
    code = """
from penjing.core import process, run
assert run.machine()["allocator"] == "as the system has it"
process._keep_freed_memory = lambda: False
process.tune_process({})
assert run.machine()["allocator"] == "as the system has it"
process._keep_freed_memory = lambda: True
process.tune_process({})
assert run.machine()["allocator"] == "keeps freed memory"
"""
    subprocess.run([sys.executable, "-c", code], check=True)
