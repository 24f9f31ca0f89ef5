"""A picture beside itself with the places marked that its answer hangs on."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

import numpy as np
from PIL import Image

SIDE = 224  # small pictures are enlarged to about this many pixels a side
GAP = 8
MARK = (255, 64, 0)
STRONGEST = 0.7  # opacity of the mark where the answer hangs on most
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_LONGEST_BYTES = 120  # of a part of a file's name; file systems allow 255 in all


def overlay(picture: np.ndarray, heat: np.ndarray) -> Image.Image:
    """The picture, and to its right the picture with its important places in colour.

    Args:
        picture: uint8 [side, side, channels].
        heat: Float[rows, columns], how much each place matters; places that do not, or hinder, stay as they are.
    """
    plain = Image.fromarray(picture[:, :, 0] if picture.shape[-1] == 1 else picture).convert("RGB")
    factor = max(1, round(SIDE / plain.width))
    plain = plain.resize((plain.width * factor, plain.height * factor), Image.Resampling.NEAREST)
    marked = Image.composite(Image.new("RGB", plain.size, MARK), plain, _opacity(heat, plain.size))
    both = Image.new("RGB", (2 * plain.width + GAP, plain.height), "white")
    both.paste(plain, (0, 0))
    both.paste(marked, (plain.width + GAP, 0))
    return both


def _opacity(heat: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """Grey levels: 0 where nothing matters, the most where the most does."""
    positive = np.maximum(heat.astype(np.float32), 0)
    largest = float(positive.max())
    share = positive / largest if largest > 0 else positive
    levels = Image.fromarray(np.rint(share * STRONGEST * 255).astype(np.uint8))
    return levels.resize(size, Image.Resampling.BICUBIC)


def file_name(number: int, item: str, label: str, probability: float) -> str:
    """The name of an item's overlay; it tells the answer, in any script, and is a legal name on every system."""
    stem = PurePath(item.replace("\\", "/")).stem
    return f"{number:03d} {_legal(stem)} = {_legal(label)} {probability:.0%}.png"


def _legal(text: str) -> str:
    """The text as part of a file's name."""
    kept = _FORBIDDEN.sub("_", text)
    return kept.encode("utf-8", "replace")[:_LONGEST_BYTES].decode("utf-8", "ignore")


def write_overlay(folder: Path, name: str, picture: np.ndarray, heat: np.ndarray) -> None:
    """Write an overlay as PNG into a folder that exists."""
    overlay(picture, heat).save(folder / name, format="PNG")
