"""How time and memory grow: with rows (to a million), the side of pictures, classes, and the network's weights.

Every point is a process of its own that trains for a while on random pictures in a file as large as it needs to be: the
seconds of one step, what one pass over the rows would take, and the memory it holds of its own (what the system keeps
of the file to answer faster is not counted, and is given back when others need it). The file is raw: nothing is decoded
and no cache is filled. A pass is not carried out to its end; it is the seconds of a step times the steps that the rows
make. scripts/make_speed.py fits an exponent to the points of each axis and says whether it is linear.

    python bench/scaling.py        about five minutes and 1 GB of disk; writes bench/results/scaling.json
    python bench/scaling.py rows   one axis; prints and writes nothing
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from _record import write

NAME = "scaling"
SECONDS = 8.0  # of steps a point, unless said otherwise


@dataclass(frozen=True)
class Point:
    """What is trained."""

    rows: int = 20_000
    side: int = 28
    classes: int = 10
    width: int = 16
    batch_size: int = 64


AXES: dict[str, Sequence[Point]] = {
    "rows": [Point(rows=count) for count in (1_000, 10_000, 100_000, 1_000_000)],
    "side": [Point(side=side) for side in (28, 56, 112, 224)],
    "classes": [Point(classes=count) for count in (2, 10, 100, 1_000)],
    "width": [Point(width=width) for width in (8, 32, 96, 256)],
}


def measured(point: Point, file: Path, seconds: float) -> dict[str, Any]:
    """Train for so many seconds on a file of random pictures, in this process."""
    import torch

    from penjing.core.process import tune_process
    from penjing.core.recipe import Choice, Recipe, Training
    from penjing.training import engine
    from penjing.training._assemble import count_parameters
    from penjing.training._loader import Items

    tune_process()
    pixels = np.lib.format.open_memmap(file, mode="r")
    labels = np.random.default_rng(0).integers(0, point.classes, point.rows)
    column = {"image": _Mapped(pixels)}
    rows = np.arange(point.rows)
    problem = engine.Problem(
        Items(column, {"label": labels}),
        {"image": "image"},
        {"image": {"mean": [0.5], "std": [0.3]}},
        {"image": (1, point.side, point.side)},
        "label",
        tuple(map(str, range(point.classes))),
        rows,
        rows[:0],
    )
    recipe = Recipe(
        model=Choice("cnn", {"width": point.width}),
        augment=(Choice("crop"),),
        optimiser=Choice("muon"),
        training=Training(steps=10**9, batch_size=point.batch_size, evaluations=1, ema=0.998),
    ).filled()
    machine, _ = engine.fastest(recipe, problem, 2.0)
    recipe = replace(recipe, machine=machine)
    network = engine.assemble(recipe, problem)
    step, loader = engine._supervised(recipe, problem, network), engine.loader_of(recipe, problem, network)
    torch.set_num_threads(machine.threads)
    with loader.batches(0) as batches:
        for number in range(3):
            step.update(next(batches), number, 1.0)
        loader.stalled_seconds = 0.0
        begun, processor, count = time.perf_counter(), time.process_time(), 0
        while count < 3 or time.perf_counter() - begun < seconds:
            step.update(next(batches), count, 1.0)
            count += 1
        taken, processor = time.perf_counter() - begun, time.process_time() - processor
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return {
        **asdict(point),
        "weights": count_parameters(network),
        "step_seconds": taken / count,
        "processor_seconds": processor / count,
        "pass_seconds": taken / count * point.rows / point.batch_size,
        "stall_share": loader.stalled_seconds / taken,
        "anonymous_bytes": int(status["RssAnon"].split()[0]) * 1024,
        "arithmetic": f"{machine.number_format}, {machine.threads} threads",
    }


class _Mapped:
    """Pictures in a file, read by row."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def take(self, index: np.ndarray) -> np.ndarray:
        return self.pixels[index]


def write_pictures(point: Point, file: Path) -> None:
    """A file of random pictures, written in pieces."""
    shape = (point.rows, point.side, point.side, 1)
    pixels = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
    draw = np.random.default_rng(0)
    for first in range(0, point.rows, 10_000):
        last = min(first + 10_000, point.rows)
        pixels[first:last] = draw.integers(0, 256, (last - first, *shape[1:]), dtype=np.uint8)
    pixels.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("axes", nargs="*", help="which; all when left out")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of steps a point")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.point:
        given = json.loads(asked.point)
        print(json.dumps(measured(Point(**given["point"]), Path(given["file"]), given["seconds"])))
        return
    result: dict[str, list[dict[str, Any]]] = {}
    for axis in asked.axes or AXES:
        for point in AXES[axis]:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "pictures.npy"
                write_pictures(point, file)
                said = json.dumps({"point": asdict(point), "file": str(file), "seconds": asked.seconds})
                done = subprocess.run(
                    [sys.executable, __file__, "--point", said], capture_output=True, text=True, check=False
                )
            if done.returncode:
                raise SystemExit(done.stderr[-3000:])
            found = json.loads(done.stdout.strip().splitlines()[-1])
            result.setdefault(axis, []).append(found)
            print(axis, found, flush=True)
    if len(result) == len(AXES):
        write(NAME, {"seconds": asked.seconds, "axes": result})


if __name__ == "__main__":
    main()
