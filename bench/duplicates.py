"""Are duplicates found, are look-alikes left alone, and how long does it take?

Planted copies in CIFAR-10 and in photos (recall, precision), data sets where everything looks alike (share of items in
near groups), and many distinct pictures (seconds, memory). Writes results/duplicates.json.
"""

from __future__ import annotations

import io
import resource
import time
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
from _command import shared_data
from _record import write
from floor import digits
from make_fashion_mnist import SOURCE, read_idx
from PIL import Image, ImageEnhance

from penjing.core import duplicates
from penjing.modalities import image

ORIGINALS, COPIED = 4000, 400
MANY, MIXED_AT_ONCE = 200_000, 10_000
Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def resized(picture: Image.Image, factor: float) -> Image.Image:
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.BICUBIC)


def cropped(picture: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = picture.size
    edges = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
    return picture.crop(tuple(round(edge) for edge in edges))  # type: ignore[arg-type]


def crop_anywhere(picture: Image.Image, generator: np.random.Generator) -> Image.Image:
    left, top = generator.uniform(0, 0.05, 2)
    return cropped(picture, left, top, 0.05 - left, 0.05 - top)


def crop_one_side(picture: Image.Image, generator: np.random.Generator) -> Image.Image:
    cut = [0.0, 0.0, 0.0, 0.0]
    cut[generator.integers(4)] = 0.05
    return cropped(picture, *cut)


CHANGES: dict[str, tuple[Change, int]] = {
    "JPEG quality 50": (lambda picture, _: picture, 50),
    "JPEG quality 50 to 95": (lambda picture, _: picture, 0),
    "half the size": (lambda picture, _: resized(picture, 0.5), 95),
    "twice the size": (lambda picture, _: resized(picture, 2.0), 95),
    "0.5 to 2 times the size": (lambda picture, draw: resized(picture, 2 ** draw.uniform(-1, 1)), 95),
    "5 % cropped anywhere": (crop_anywhere, 95),
    "5 % cropped off every side": (lambda picture, _: cropped(picture, 0.05, 0.05, 0.05, 0.05), 95),
    "5 % cropped off one side": (crop_one_side, 95),
    "20 % darker": (lambda picture, _: ImageEnhance.Brightness(picture).enhance(0.8), 95),
    "20 % brighter": (lambda picture, _: ImageEnhance.Brightness(picture).enhance(1.2), 95),
}


def planted(contents: list[bytes], settings: image.Settings, copied: int) -> list[dict[str, Any]]:
    """Recall and precision for every kind of copy.

    Precision is over near pairs that hold a copy; a pair with a real duplicate of the original counts as wrong.
    """
    originals = [image.thumbnail(image.decode(content, settings)) for content in contents]
    rows = []
    for number, (name, (change, quality)) in enumerate(CHANGES.items()):
        draw = np.random.default_rng(number)
        chosen = draw.choice(len(contents), copied, replace=False)
        copies = []
        for row in chosen:
            buffer = io.BytesIO()
            picture = change(Image.open(io.BytesIO(contents[row])).convert("RGB"), draw)
            picture.save(buffer, "JPEG", quality=quality or int(draw.integers(50, 96)))
            copies.append(image.thumbnail(image.decode(buffer.getvalue(), settings)))
        thumbnails = np.stack(originals + copies)
        pairs = duplicates.find_pairs([f"{row:06d}" for row in range(len(thumbnails))], thumbnails)
        group = duplicates.groups(len(thumbnails), pairs)
        source = np.concatenate([np.arange(len(originals)), chosen])
        with_copy = np.maximum(pairs.a, pairs.b) >= len(originals)
        right = source[pairs.a] == source[pairs.b]
        rows.append(
            {
                "copy": name,
                "copies": copied,
                "recall": float((group[len(originals) :] == group[chosen]).mean()),
                "precision": float(right[with_copy].mean()) if with_copy.any() else None,
                "threshold": pairs.threshold,
            }
        )
        print(rows[-1], flush=True)
    return rows


def look_alike(thumbnails: np.ndarray, classes: np.ndarray) -> dict[str, Any]:
    """The share of items in near groups where hardly any item is a copy."""
    begun, worked = time.monotonic(), time.process_time()
    pairs = duplicates.find_pairs([f"{row:06d}" for row in range(len(thumbnails))], thumbnails, classes)
    seconds, processor_seconds = time.monotonic() - begun, time.process_time() - worked
    near = pairs.kind == "near"
    share = len(np.union1d(pairs.a[near], pairs.b[near])) / len(thumbnails)
    largest = int(np.unique(duplicates.groups(len(thumbnails), pairs), return_counts=True)[1].max())
    found = {"items": len(thumbnails), "share_in_near_pairs": share, "largest_group": largest, "said": pairs.said}
    found |= {"threshold": pairs.threshold, "seconds": seconds, "processor_seconds": processor_seconds}
    print(found, flush=True)
    return found


def mixtures(pictures: np.ndarray, count: int) -> np.ndarray:
    """Distinct pictures: each the mean of two different ones, one of them shifted, with noise."""
    draw = np.random.default_rng(0)
    made = np.empty((count, 32, 32), np.uint8)
    for start in range(0, count, MIXED_AT_ONCE):
        one, other = pictures[draw.integers(len(pictures), size=(2, MIXED_AT_ONCE))].astype(np.float32)
        mixed = (one + np.roll(other, 8, axis=2)) / 2 + draw.normal(0, 4, one.shape)
        made[start : start + MIXED_AT_ONCE] = np.clip(mixed, 0, 255)
    return made


def read(name: str) -> list[bytes]:
    with zipfile.ZipFile(shared_data() / "image" / name) as archive:
        return [archive.read(member) for member in sorted(archive.namelist()) if member.endswith(".jpg")]


def thumbnails_of(pictures: np.ndarray) -> np.ndarray:
    return np.stack([image.thumbnail(picture.reshape(28, 28, 1)) for picture in pictures])


def main() -> None:
    result: dict[str, Any] = {}
    pictures, target = digits()
    result["mnist"] = look_alike(thumbnails_of(pictures), target)
    cifar = read("cifar10.zip")
    chosen = np.random.default_rng(0).choice(len(cifar), ORIGINALS, replace=False)
    result["cifar10"] = planted([cifar[row] for row in chosen], image.Settings(side=32, channels=3), COPIED)
    photos = read("ants_bees.zip")
    result["ants_bees"] = planted(photos, image.Settings(side=96, channels=3), len(photos) // 4)
    fashion = [read_idx(SOURCE / f"{part}-images-idx3-ubyte.gz") for part in ("train", "t10k")]
    labels = [read_idx(SOURCE / f"{part}-labels-idx1-ubyte.gz") for part in ("train", "t10k")]
    result["fashion_mnist"] = look_alike(
        thumbnails_of(np.concatenate(fashion)), np.concatenate(labels).astype(np.int64)
    )
    settings = image.Settings(side=32, channels=3)
    many = mixtures(np.stack([image.thumbnail(image.decode(content, settings)) for content in cifar]), MANY)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result["many"] = look_alike(many, np.arange(MANY) % 10)
    result["many"]["extra_memory_bytes"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    write("duplicates", result)


if __name__ == "__main__":
    main()
