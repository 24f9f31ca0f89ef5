"""Pictures that are learned in a second, and the recipe that learns them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

RECIPE = """format = 1
augment = [{ name = "crop" }]
model = { name = "cnn", width = 8 }
training = { steps = 30, batch_size = 16, evaluations = 3, ema = 0.9 }
machine = { threads = 1 }
"""


def draw(kind: int, number: int, side: int = 12) -> Image.Image:
    """Stripes along (0) or across (1), or noise (2), each picture distinct from the others."""
    generator = np.random.default_rng(1000 * kind + number)
    picture = generator.integers(0, 90, (side, side, 3))
    if kind == 0:
        picture[:: generator.integers(2, 4)] += 140
    elif kind == 1:
        picture[:, :: generator.integers(2, 4)] += 140
    return Image.fromarray(picture.astype(np.uint8))


def write_tiny(folder: Path, each: int = 40, names: tuple[str, ...] = ("横", "columns", "noise")) -> Path:
    """Class folders below `folder`/photos, and `folder`/recipe.toml."""
    for kind, name in enumerate(names):
        (folder / "photos" / name).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            draw(kind, number).save(folder / "photos" / name / f"p{number:03d}.png")
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return folder
