"""Thumbnails for the page, as text that needs no other file."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

OVERLAY_SIDE = 96
JPEG_QUALITY = 85


@dataclass
class Album:
    """The pictures that a page may still show.

    Attributes:
        pictures: hash → uint8 [height, width, channels].
        budget_bytes: how much text the pictures may take; when it is used up, items are shown by name only.
    """

    pictures: Mapping[str, np.ndarray]
    budget_bytes: int
    _made: dict[str, str] = field(default_factory=dict)

    def show(self, item: str) -> str:
        """The picture of an item as a data URI, or "" when there is none or the budget is used up."""
        if item not in self.pictures:
            return ""
        if item not in self._made:
            self._made[item] = data_uri(self.pictures[item])
        return self._spend(self._made[item])

    def show_heat(self, item: str, heat: np.ndarray) -> str:
        """The picture of an item with where the network looked on it, or ""."""
        return self._spend(data_uri(overlay(self.pictures[item], heat))) if item in self.pictures else ""

    def _spend(self, text: str) -> str:
        if len(text) > self.budget_bytes:
            return ""
        self.budget_bytes -= len(text)
        return text


def data_uri(picture: np.ndarray) -> str:
    """A picture as a data URI: PNG or JPEG, whichever is smaller. It holds pixels and nothing else, no EXIF.

    Args:
        picture: uint8 [height, width, channels], one, three or four channels.
    """
    image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
    if image.mode == "RGBA":
        return f"data:image/png;base64,{_encode(image, 'PNG')}"
    png, jpeg = _encode(image, "PNG"), _encode(image, "JPEG")
    return f"data:image/png;base64,{png}" if len(png) <= len(jpeg) else f"data:image/jpeg;base64,{jpeg}"


def overlay(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A picture in grey, with colour where the network looked: uint8 [side, side, 3].

    Args:
        picture: uint8 [height, width, channels].
        heat: float [rows, columns], larger where it mattered more; stretched over the whole picture.
    """
    grey = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).convert("L")
    scale = OVERLAY_SIDE / max(grey.size)
    size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
    base = np.asarray(grey.resize(size, Image.Resampling.BICUBIC), dtype=np.float32)[..., None] / 255
    values = np.nan_to_num(heat.astype(np.float32))
    spread = float(values.max() - values.min())
    scaled = (values - values.min()) / spread if spread > 0 else np.zeros_like(values)
    wide = np.asarray(Image.fromarray(scaled).resize(size, Image.Resampling.BILINEAR))[..., None]
    colour = _glow(wide)
    mixed = base * (1 - 0.75 * wide) + colour * 0.75 * wide
    return np.round(np.clip(mixed, 0, 1) * 255).astype(np.uint8)


def _glow(heat: np.ndarray) -> np.ndarray:
    """Purple over orange to pale yellow: it also gets lighter, so it reads without colour vision."""
    stops = np.array([[0.25, 0.05, 0.42], [0.78, 0.25, 0.30], [0.98, 0.55, 0.12], [0.99, 0.95, 0.60]])
    place = np.linspace(0, 1, len(stops))
    return np.concatenate([np.interp(heat, place, stops[:, channel]) for channel in range(3)], axis=-1)


def _encode(image: Image.Image, kind: str) -> str:
    stream = io.BytesIO()
    if kind == "JPEG":
        image.save(stream, kind, quality=JPEG_QUALITY, subsampling=0, optimize=True)
    else:
        image.save(stream, kind, optimize=True)
    return base64.b64encode(stream.getvalue()).decode("ascii")
