"""Tiny pictures for the samples of the sources."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from penjing.core.randomness import stream

CLASSES = ("cat", "dog")
SIDE = 8


def sample_images(count: int = 6) -> np.ndarray:
    """Pictures that all differ: uint8 [count, side, side, 3]."""
    return stream(0, "sample").integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def sample_labels(count: int = 6) -> list[str]:
    return [CLASSES[number % len(CLASSES)] for number in range(count)]


def png(image: np.ndarray) -> bytes:
    """One picture as the bytes of a PNG file."""
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def sample_files(names: Sequence[str] = CLASSES) -> dict[str, bytes]:
    """Path → content of a few pictures in class folders."""
    images = sample_images(3 * len(names))
    return {
        f"{name}/{number}.png": png(images[3 * at + number]) for at, name in enumerate(names) for number in range(3)
    }
