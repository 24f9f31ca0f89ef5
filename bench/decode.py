"""How much of the bare codec's speed is left when pictures are decoded into the cache.

For three kinds of data, on all cores: images per second of `cache.fill` (read, hash, decode, thumbnail, write to
disk), against Pillow alone in as many threads (read, decode, resize to the same canvas; nothing is hashed or kept).
The two take turns, and the median of the rounds counts. The share of processor time is what a busy neighbour does not
disturb.

    python bench/decode.py            about a minute; writes bench/results/decode.json
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import _record
import numpy as np
from PIL import Image

from penjing.core import cache
from penjing.core.items import item_hash
from penjing.core.process import tune_process
from penjing.modalities import image

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
# name → pictures, height, width, format, canvas side
KINDS = {
    "28×28 grey PNG": (6000, 28, 28, "PNG", 28),
    "375×500 JPEG to 128": (2400, 375, 500, "JPEG", 128),
    "1080×1920 JPEG to 224": (120, 1080, 1920, "JPEG", 224),
}


class Folder:
    """Files of one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, reference: str) -> bytes:
        return (self.root / reference).read_bytes()

    def stamp(self, reference: str) -> None:  # noqa: ARG002 - the benchmark reads every file
        return None

    def name(self, reference: str) -> str:
        return reference


def write_pictures(folder: Path, count: int, height: int, width: int, kind: str) -> list[str]:
    """Different pictures with the grain of photos; returns their names."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((width, height))
    ground = np.asarray(coarse).astype(np.int16)
    names = []
    for number in range(count):
        grain = random.normal(0, 12, (height, width, 1)).astype(np.int16)
        values = np.clip(np.roll(ground, number * 7, axis=1) + grain, 0, 255).astype(np.uint8)
        picture = Image.fromarray(values if kind == "JPEG" else values[:, :, 0])
        names.append(f"{number}.{kind.lower()}")
        picture.save(folder / names[-1])
    return names


def bare(path: Path, side: int, channels: int) -> np.ndarray:
    """What anyone has to do with Pillow to get this picture at this size."""
    with Image.open(path) as picture:
        picture.draft("RGB", (side, side))
        scale = side / max(picture.size)
        size = (round(picture.width * scale), round(picture.height * scale))
        small = picture.convert("L" if channels == 1 else "RGB").resize(
            size, Image.Resampling.BICUBIC, reducing_gap=3.0
        )
        return np.array(small)


@dataclass
class Clock:
    """Wall and processor seconds of the blocks it wraps."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def time(self, work: Callable[[], object]) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        work()
        self.wall.append(time.perf_counter() - wall)
        self.processor.append(time.process_time() - processor)


def measure(folder: Path, names: Sequence[str], settings: image.Settings, rounds: int) -> dict[str, float]:
    """Images per second of both, and which share of the codec's speed is ours: medians over rounds."""
    form, store = image.form(settings), Folder(folder)
    wanted = {item_hash(store.read(name)): name for name in names}
    ours, codec = Clock(), Clock()

    def decode_only() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda name: bare(folder / name, settings.side, settings.channels) is None, names))

    def decode(content: bytes, page: int | None) -> np.ndarray:
        return image.decode(content, settings, page)

    for _ in range(rounds):
        codec.time(decode_only)
        ours.time(
            lambda: cache.fill(
                form, wanted, store, decode, image.thumbnail, threads=THREADS, around=image.while_decoding
            )
        )
        assert cache.present(form, list(wanted)).all()
        cache.clear(form.id)
    median = statistics.median
    return {
        "fill_per_second": round(len(names) / median(ours.wall), 1),
        "codec_per_second": round(len(names) / median(codec.wall), 1),
        "share": round(median(codec.wall) / median(ours.wall), 3),
        "share_of_processor_time": round(median(codec.processor) / median(ours.processor), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    tune_process({})  # as the command line does
    found = {}
    for name, (count, height, width, kind, side) in KINDS.items():
        scratch = Path(tempfile.mkdtemp())
        os.environ["PENJING_CACHE"] = str(scratch / "cache")
        try:
            names = write_pictures(scratch, count, height, width, kind)
            settings = image.Settings(side=side, channels=1 if kind == "PNG" else 3)
            found[name] = {"images": count, "settings": asdict(settings), **measure(scratch, names, settings, rounds)}
        finally:
            shutil.rmtree(scratch)
        print(name, found[name])
    print(_record.write("decode", {"threads": THREADS, "rounds": rounds, "kinds": found}))


if __name__ == "__main__":
    main()
