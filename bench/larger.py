"""Whether data larger than memory train at the same speed, and in how little memory.

A process that may hold only so much (a limit on its data, where the system knows one) trains on few pictures, which are
kept in memory, and on more than it could hold, which are read from the disk, each picture of a whole pass once. What
the system keeps of the files to answer faster is no memory of the process, but would make a disk of it: it is told to
forget the files before the first update, and again each time that half of the limit went by. What was read from the
disk indeed stands in the record. Written for the purpose, and taken away again.

    python bench/larger.py                  about six minutes and 4 GB of disk; writes bench/results/larger.json
    python bench/larger.py --gigabytes 8    more pictures
    python bench/larger.py --threads 2      of the network; batches are made ahead only where it leaves a core
"""

from __future__ import annotations

import argparse
import json
import mmap
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

SIDE, BATCH, TURNS, THREADS = 128, 64, 3, 1
FEW = 4_000  # pictures that fit into memory
FEWEST = 300  # updates, where a pass has fewer
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


def posed(column: Any, count: int) -> Any:
    """Pictures of ten classes as a problem."""
    from penjing.training import engine
    from penjing.training._loader import Items

    return engine.Problem(
        Items({"image": column}, {"label": np.arange(count) % 10}),
        {"image": "image"},
        {"image": {"mean": [0.5] * 3, "std": [0.3] * 3}},
        {"image": (3, SIDE, SIDE)},
        "label",
        tuple(map(str, range(10))),
        np.arange(count),
        np.arange(0),
    )


def forget(column: Any, folder: Path) -> None:
    """Have the system let go of the files: of what this process has of them in sight first, or it would not."""
    from penjing.core._mapped import array_of

    for values in column._values:
        mapped = array_of(values).base
        if isinstance(mapped, np.memmap) and isinstance(mapped.base, mmap.mmap):
            mapped.base.madvise(mmap.MADV_DONTNEED)
    for file in folder.glob("*.npy"):
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def told(file: str) -> dict[str, int]:
    """The numbers of a file in /proc/self, by their names."""
    lines = [line.split(":", 1) for line in Path("/proc/self", file).read_text().splitlines() if ":" in line]
    return {name: int(value.split()[0]) for name, value in lines if value.split() and value.split()[0].isdigit()}


def trained(folder: Path, count: int, threads: int, fewest: int = FEWEST) -> dict[str, Any]:
    """Train on the first `count` pictures of the cache for a pass, in this process."""
    os.environ["PENJING_CACHE"] = str(folder)
    from penjing.core.process import tune_process

    tune_process()
    import torch

    from penjing.core import cache
    from penjing.core.recipe import Choice, Machine, Recipe, Training
    from penjing.modalities import image
    from penjing.training import engine

    form = image.form(image.Settings(side=SIDE, channels=3))
    column = cache.open_column(form.id, [f"{number:032x}" for number in range(count)])
    torch.set_num_threads(threads)
    problem = posed(column, count)
    recipe = Recipe(
        model=Choice("cnn", {"width": 16}),
        augment=(Choice("crop"),),
        training=Training(steps=10**9, batch_size=BATCH, evaluations=1),
        machine=Machine(threads=threads),
    ).filled()
    network = engine.assemble(recipe, problem)
    step, loader = engine._supervised(recipe, problem, network), engine.loader_of(recipe, problem, network)
    forget(column, folder / form.id)
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))
    steps, often = max(count // BATCH, fewest), max(1, LIMIT_BYTES // 2 // (BATCH * form.item_bytes))
    with loader.batches(0) as batches:
        step.update(next(batches), 0, 1.0)
        loader.stalled_seconds, read = 0.0, told("io")["read_bytes"]
        processor, begun = time.process_time(), time.perf_counter()
        for number in range(1, steps + 1):
            step.update(next(batches), number, 1.0)
            if number % often == 0:
                forget(column, folder / form.id)
        wall, processor = time.perf_counter() - begun, time.process_time() - processor
    return {
        "pictures": count,
        "bytes": count * form.item_bytes,
        "updates": steps,
        "passes": steps * BATCH / count,
        "read_bytes": told("io")["read_bytes"] - read,
        "pictures_per_second": steps * BATCH / wall,
        "pictures_per_processor_second": steps * BATCH / processor,
        "stall_share": loader.stalled_seconds / wall,
        "anonymous_bytes": told("status")["RssAnon"] * 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=4.0, help="of decoded pictures")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--threads", type=int, default=THREADS, help="of the network")
    parser.add_argument("--train", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.train:
        print(json.dumps(trained(Path(asked.folder), asked.train, asked.threads)))
        return
    many = int(asked.gigabytes * 10**9) // (SIDE * SIDE * 3)
    found: dict[int, list[dict[str, Any]]] = {FEW: [], many: []}
    with tempfile.TemporaryDirectory() as folder:
        filled(Path(folder), many)
        for turn in range(asked.turns):
            for count in found if turn % 2 == 0 else reversed(found):
                words = ["--train", count, "--folder", folder, "--threads", asked.threads]
                command = [sys.executable, __file__, *map(str, words)]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise SystemExit(done.stderr[-3000:])
                found[count].append(json.loads(done.stdout.strip().splitlines()[-1]))
                print(found[count][-1], flush=True)
    rows = [{name: median(one[name] for one in rows) for name in rows[0]} for rows in found.values()]
    about = {"limit_bytes": LIMIT_BYTES, "turns": asked.turns, "arithmetic": f"float32, {asked.threads} threads"}
    print(write("larger", {**about, "few": rows[0], "many": rows[1]}))


if __name__ == "__main__":
    main()
