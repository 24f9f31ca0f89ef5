"""What every test may count on: its own cache and state folders, and one thread."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("penjing", deadline=None)
settings.load_profile("penjing")


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the cache, the state or the runs of another, or of the person who runs the tests."""
    monkeypatch.setenv("PENJING_CACHE", str(tmp_path / "own-cache"))
    monkeypatch.setenv("PENJING_STATE", str(tmp_path / "own-state"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos/, recipe.toml, and run/, which the command line trained on them."""
    from penjing.cli import run_command
    from tiny_data import write_tiny

    folder = write_tiny(tmp_path_factory.mktemp("tiny 盆景"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PENJING_CACHE", str(folder / "cache"))
        patch.setenv("PENJING_STATE", str(folder / "state"))
        assert run_command(["fit", "photos", "--recipe", "recipe.toml", "--out", "run", "--quiet"]) == 0
    return folder


@pytest.fixture
def inside(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of `tiny` as the working folder, on a terminal of 80 columns."""
    monkeypatch.chdir(tiny)
    monkeypatch.setenv("COLUMNS", "80")
    return tiny


@pytest.fixture(scope="module")
def make_speed() -> ModuleType:
    """What writes docs/speed.md."""
    from script_files import script

    return script("make_speed")
