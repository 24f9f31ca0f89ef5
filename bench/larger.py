"""Whether data larger than memory train at the same speed, and in how little memory.

A process that may hold only so much (a limit on its data, where the system knows one) trains on few pictures, which are
kept in memory, and on more than it could hold, which are read from the disk: the system is told to forget them first.
Written for the purpose, and taken away again.

    python bench/larger.py --gigabytes 4
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _record import write

SIDE, BATCH, STEPS, TURNS = 128, 64, 30, 3
FEW = 4_000  # pictures that fit into memory
LIMIT_BYTES = 2 * 10**9  # of memory of its own; the larger data set does not fit into that


def filled(folder: Path, count: int) -> None:
    """Shards of random pictures, as `cache.fill` writes them."""
    from penjing.core import _shards
    from penjing.modalities import image

    form = image.form(image.Settings(side=SIDE, channels=3))
    os.environ["PENJING_CACHE"] = str(folder)
    from penjing.core import cache

    cache._prepare(folder / form.id, form, count)
    writer = _shards.Writer(folder / form.id, form.shape, form.dtype, count)
    draw = np.random.default_rng(0)
    for first in range(0, count, 256):
        many = min(256, count - first)
        values = draw.integers(0, 256, (many, *form.shape), dtype=np.uint8)
        small = np.zeros((many, 32, 32), np.uint8)
        writer.add([f"{number:032x}" for number in range(first, first + many)], values, small)
    writer.flush()


def trained(folder: Path, count: int) -> dict[str, Any]:
    """Train on the first `count` pictures of the cache, in this process."""
    os.environ["PENJING_CACHE"] = str(folder)
    from penjing.core.process import tune_process

    tune_process()
    import torch

    from penjing.core import cache
    from penjing.core.recipe import Choice, Recipe, Training
    from penjing.modalities import image
    from penjing.training import engine
    from penjing.training._loader import Items

    form = image.form(image.Settings(side=SIDE, channels=3))
    column = cache.open_column(form.id, [f"{number:032x}" for number in range(count)])
    torch.set_num_threads(1)
    problem = engine.Problem(
        Items({"image": column}, {"label": np.arange(count) % 10}),
        {"image": "image"},
        {"image": {"mean": [0.5] * 3, "std": [0.3] * 3}},
        {"image": (3, SIDE, SIDE)},
        "label",
        tuple(map(str, range(10))),
        np.arange(count),
        np.arange(0),
    )
    recipe = Recipe(
        model=Choice("cnn", {"width": 16}),
        augment=(Choice("crop"),),
        training=Training(steps=10**9, batch_size=BATCH, evaluations=1),
    ).filled()
    network = engine.assemble(recipe, problem)
    step, loader = engine._supervised(recipe, problem, network), engine._loader(recipe, problem, network)
    for file in (Path(folder) / form.id).glob("*.npy"):  # or the system would answer from its own memory
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))
    with loader.batches(0) as batches:
        step.update(next(batches), 0, 1.0)
        loader.stalled_seconds = 0.0
        processor, begun = time.process_time(), time.perf_counter()
        for number in range(STEPS):
            step.update(next(batches), number + 1, 1.0)
        wall, processor = time.perf_counter() - begun, time.process_time() - processor
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return {
        "pictures": count,
        "bytes": count * form.item_bytes,
        "pictures_per_second": STEPS * BATCH / wall,
        "pictures_per_processor_second": STEPS * BATCH / processor,
        "stall_share": loader.stalled_seconds / wall,
        "anonymous_bytes": int(status["RssAnon"].split()[0]) * 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=4.0, help="of decoded pictures")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--train", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.train:
        print(json.dumps(trained(Path(asked.folder), asked.train)))
        return
    many = int(asked.gigabytes * 10**9) // (SIDE * SIDE * 3)
    found: dict[int, list[dict[str, Any]]] = {FEW: [], many: []}
    with tempfile.TemporaryDirectory() as folder:
        filled(Path(folder), many)
        for turn in range(asked.turns):
            for count in found if turn % 2 == 0 else reversed(found):
                words = [sys.executable, __file__, "--train", str(count), "--folder", folder]
                done = subprocess.run(words, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise SystemExit(done.stderr[-3000:])
                found[count].append(json.loads(done.stdout.strip().splitlines()[-1]))
                print(found[count][-1], flush=True)
    rows = [{name: median(one[name] for one in rows) for name in rows[0]} for rows in found.values()]
    print(write("larger", {"limit_bytes": LIMIT_BYTES, "turns": asked.turns, "few": rows[0], "many": rows[1]}))


if __name__ == "__main__":
    main()
