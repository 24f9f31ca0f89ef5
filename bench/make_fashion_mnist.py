"""Writes Fashion-MNIST as PNG class folders: python bench/make_fashion_mnist.py FOLDER

The pictures come from the Debian package `dataset-fashion-mnist` (apt-get install dataset-fashion-mnist; MIT
licence, Xiao, Rasul and Vollgraf 2017, https://arxiv.org/abs/1708.07747): 60,000 for training and 10,000 for the
test, 28×28 grey, as FOLDER/train/<class>/00000.png and FOLDER/test/<class>/00000.png.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
from PIL import Image

SOURCE = Path("/usr/share/datasets/fashion-mnist")
CLASSES = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle-boot")
PARTS = {"train": "train", "test": "t10k"}


def read_idx(file: Path) -> np.ndarray:
    """The array in a gzipped IDX file: two zero bytes, type 8 (uint8), number of axes, their lengths, the values."""
    content = gzip.decompress(file.read_bytes())
    if content[:3] != b"\x00\x00\x08":
        raise SystemExit(f"{file} is not an IDX file of bytes")
    shape = np.frombuffer(content, ">u4", count=content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape.astype(int))


def write(folder: Path, source: Path = SOURCE) -> int:
    """Write the class folders and return how many pictures there are."""
    written = 0
    for part, prefix in PARTS.items():
        images = read_idx(source / f"{prefix}-images-idx3-ubyte.gz")
        labels = read_idx(source / f"{prefix}-labels-idx1-ubyte.gz")
        for name in CLASSES:
            (folder / part / name).mkdir(parents=True, exist_ok=True)
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            Image.fromarray(image).save(folder / part / CLASSES[label] / f"{number:05d}.png")
        written += len(images)
    return written


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    if not SOURCE.is_dir():
        raise SystemExit(f"there is no {SOURCE}; install it with: apt-get install dataset-fashion-mnist")
    print(f"{write(Path(sys.argv[1])):,} pictures in {sys.argv[1]}")
