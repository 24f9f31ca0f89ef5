"""A run that tells three colours apart, and pictures to show it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from kinds import fit_kind
from made_run import CLASSES, picture, write_run
from PIL import Image

from penjing.core.run import Run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_run(tmp_path_factory.mktemp("运行") / "run")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six pictures, two of each class, in nested folders with Chinese names."""
    folder = tmp_path / "新照片"
    for number in range(6):
        label = CLASSES[number % 3]
        path = folder / label / f"图 {number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(label, 100 + number)).save(path)
    return folder


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """Kind of data → a run that was fitted on them; each is fitted once, in a folder with data/ and run/."""
    place = tmp_path_factory.mktemp("各种")
    return cache(lambda kind: fit_kind(kind, place / kind))
