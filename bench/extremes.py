"""Data at the edges: 1, 2 and 5 pictures a class, 1,000 classes, 200,000 pictures. No crash, and flat memory.

`bytes_per_item` is what every further picture costs in anonymous memory, between the two largest sets.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _command import Measured, Place, shared_data
from _record import write
from PIL import Image

from penjing.core.randomness import stream

MANY, CLASSES = 200_000, 1_000


def cifar() -> tuple[np.ndarray, np.ndarray]:
    """The training pictures of CIFAR-10 and their classes."""
    with zipfile.ZipFile(shared_data() / "image" / "cifar10.zip") as archive:
        names = sorted(name for name in archive.namelist() if "train/" in name and name.endswith(".jpg"))
        pictures = np.stack([np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in names])
    kinds = sorted({Path(name).parent.name for name in names})
    return pictures, np.array([kinds.index(Path(name).parent.name) for name in names])


def distinct(pictures: np.ndarray, count: int) -> Iterator[tuple[int, np.ndarray]]:
    """(source, picture): shifted, mirrored and noised, so that no two are near-duplicates by bytes."""
    for number in range(count):
        draw = stream(0, "distinct", number)
        source = number % len(pictures)
        moved = np.roll(pictures[source], draw.integers(-8, 9, 2), axis=(0, 1)).astype(np.int16)
        noise = draw.normal(0, 20, moved.shape)
        yield source, np.clip(moved + noise, 0, 255).astype(np.uint8)


def save(folder: Path, rows: Iterator[tuple[str, np.ndarray]]) -> None:
    for number, (label, picture) in enumerate(rows):
        (folder / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / label / f"{number:06d}.bmp")


def row(name: str, found: Measured) -> dict[str, Any]:
    last = (found.error if found.code else found.out).strip().splitlines()[-3:]
    print(name, "exit", found.code, f"{found.seconds:.0f} s", f"{found.anonymous_bytes / 1e6:.0f} MB", last, flush=True)
    return {
        "case": name,
        "exit": found.code,
        "seconds": found.seconds,
        "anonymous_bytes": found.anonymous_bytes,
        "has_traceback": "Traceback" in found.error,
        "last_lines": last,
    }


def main() -> None:
    pictures, kinds = cifar()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for each in (1, 2, 5):
            chosen = [(f"class{kind}", pictures[kinds == kind][i]) for kind in range(10) for i in range(each)]
            save(root / f"few{each}", iter(chosen))
            found = Place(root / f"at{each}").run("fit", root / f"few{each}", "--time", "30s")
            rows.append(row(f"{each} a class", found))
        save(
            root / "classes",
            ((f"c{i % CLASSES:04d}", p) for i, p in ((s, q) for s, q in distinct(pictures, 10 * CLASSES))),
        )
        rows.append(row("1,000 classes", Place(root / "at-classes").run("fit", root / "classes", "--time", "1m")))
        for count in (MANY // 10, MANY):
            save(root / f"many{count}", ((f"class{kinds[s]}", p) for s, p in distinct(pictures, count)))
            found = Place(root / f"at-{count}").run("fit", root / f"many{count}", "--time", "5m")
            rows.append(row(f"{count:,} pictures", found))
    few, many = (found["anonymous_bytes"] for found in rows[-2:])
    write("extremes", {"rows": rows, "bytes_per_item": (many - few) / (MANY - MANY // 10)})


if __name__ == "__main__":
    main()
