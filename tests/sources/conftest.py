"""Folders of tiny pictures, planted by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from penjing.sources._samples import png, sample_images

PNG = png(sample_images(1)[0])
Plant = Callable[..., Path]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """A function that writes a picture under each name and returns the folder."""

    def write(*names: str | Iterable[str], folder: str = "photos") -> Path:
        flat = [one for name in names for one in ([name] if isinstance(name, str) else name)]
        for name in flat:
            file = tmp_path / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(PNG)
        return tmp_path / folder

    return write
