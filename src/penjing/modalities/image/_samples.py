"""A few pictures of different kinds, made on the spot, for the contract tests."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image


def samples() -> list[bytes | np.ndarray]:
    """Contents that this modality decodes: different formats, sizes, modes, and an array."""
    across, down = np.meshgrid(np.arange(48), np.arange(32))
    colour = np.stack([across * 5, down * 7, (across + down) * 3], axis=-1).astype(np.uint8)
    picture = Image.fromarray(colour)
    deep = Image.fromarray((across * 1000).astype(np.uint16))
    files = [(picture, "PNG"), (picture, "JPEG"), (picture.convert("L"), "BMP"), (picture.convert("P"), "GIF")]
    return [*(_encoded(image, kind) for image, kind in [*files, (deep, "TIFF")]), colour]


def _encoded(picture: Image.Image, kind: str) -> bytes:
    file = BytesIO()
    picture.save(file, kind)
    return file.getvalue()
