"""What every test may count on: its own cache and state folders, and one thread."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the cache, the state or the runs of another, or of the person who runs the tests."""
    monkeypatch.setenv("PENJING_CACHE", str(tmp_path / "own-cache"))
    monkeypatch.setenv("PENJING_STATE", str(tmp_path / "own-state"))
