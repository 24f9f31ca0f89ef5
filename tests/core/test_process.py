import platform
import subprocess
import sys

import pytest

from penjing.core.process import tune_process, usable_cores


def test_what_a_person_set_is_kept():
    environment = {"OMP_WAIT_POLICY": "ACTIVE"}
    tune_process(environment)
    assert environment == {"OMP_WAIT_POLICY": "ACTIVE", "GOMP_SPINCOUNT": "0"}


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator settings are glibc's")
def test_the_allocator_can_be_tuned_with_glibc():
    code = "from penjing.core.process import tune_process; assert tune_process({}) is True"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_elsewhere_the_allocator_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert tune_process({}) is False


def test_there_is_at_least_one_core():
    assert usable_cores() >= 1
