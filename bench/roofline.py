"""What limits the networks of the records of speed: arithmetic or memory, and how much of its peak the machine gives.

    python bench/roofline.py              about three minutes; for the networks in bench/results/records.json
    python bench/roofline.py cifar10      for those of some goals; prints and writes nothing

For every network that a goal was trained with, in its batches and its arithmetic: the floating-point operations of an
update (forward, backward, optimiser), the bytes that its operations move as if nothing stayed in the processor's
caches, and the seconds it takes on one batch, the making of batches left out. Beside them what the machine reaches at
best: in products of large matrices, in float32 and bfloat16, and in copying memory. Runs of another machine are left
out, and nothing else should run meanwhile. No update can take less than its
operations at the peak of products; that its bytes, copied at the peak of memory, would take longer than it does says
that much of them is answered by the caches.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import torch
from _record import RESULTS, circumstances, write
from _traffic import Work, bytes_per_second, counted, peak_flop_per_second, times
from records import GOALS, cifar10, digits, fashion

from penjing.core import plugins
from penjing.core.process import tune_process, usable_cores
from penjing.core.recipe import Choice, DataChoices, SplitChoices
from penjing.core.usual import MANY
from penjing.training import _arithmetic, engine
from penjing.training._loader import Items
from penjing.training._vitals import flop
from penjing.workflows._choose import RecipeWish, base_recipe

NAME = "roofline"
SHAPES = {fashion: (1, 28, 28), digits: (1, 28, 28), cifar10: (3, 32, 32)}  # channels, height and width of the items
SECONDS = 5.0  # of each measurement
PRODUCT_SIDE, COPIED_BYTES = 2048, 512 * 2**20  # too large for the caches of a processor
KEPT, FEW = 1024, 1000  # pictures in memory; rows of a problem that is small
MEAN, STD = 0.5, 0.3


@dataclass(frozen=True)
class Trained:
    """What a run of the records was trained with, as far as it costs anything.

    Attributes:
        model: the network and its settings.
        name: what people call it ("airbench, dial 2").
    """

    model: Choice
    name: str
    shape: tuple[int, int, int]
    batch_size: int
    number_format: str
    threads: int

    @property
    def key(self) -> str:
        """What stands for it in the record."""
        channels, height, width = self.shape
        arithmetic = f"{self.number_format}, {self.threads} threads"
        return f"{self.name}; {self.batch_size} pictures of {height}×{width}×{channels}; {arithmetic}"


def trained_with(run: Mapping[str, Any], shape: tuple[int, int, int]) -> Trained | None:
    """What a run was trained with; None where its record does not tell which network it was."""
    number_format, threads = re.fullmatch(r"(\w+), (\d+) threads", run["arithmetic"]).groups()  # type: ignore[union-attr]
    size = re.match(r"(\w+), dial ([\d.]+)", run["decided"].get("size", ""))
    if "model" in run:
        model = Choice(run["model"]["name"], run["model"]["settings"])
        name = ", ".join([model.name, *(f"{what} {value}" for what, value in model.settings.items() if value)])
    elif size is not None and run["decided"].get("network", size[1]).startswith(size[1]):
        settings = asdict(plugins.load("models", size[1]).sized(float(size[2]), shape))
        model, name = Choice(size[1], settings), size[0]
    else:
        return None
    return Trained(model, name, shape, run["batch_size"], number_format, int(threads))


class _Repeated:
    """A few random pictures, again and again."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        channels, height, width = shape
        draw = np.random.default_rng(0)
        self.pixels = draw.integers(0, 256, (KEPT, height, width, channels), dtype=np.uint8)

    def take(self, index: np.ndarray) -> np.ndarray:
        return self.pixels[index % KEPT]


def problem_of(trained: Trained) -> engine.Problem:
    """Random pictures of ten classes, as many as such a network is usual for."""
    rows = np.arange(MANY + 1 if trained.model.name == "airbench" else FEW)
    channels = trained.shape[0]
    return engine.Problem(
        Items({"image": _Repeated(trained.shape)}, {"label": rows % 10}),
        {"image": "image"},
        {"image": {"mean": [MEAN] * channels, "std": [STD] * channels}},
        {"image": trained.shape},
        "label",
        tuple(map(str, range(10))),
        rows,
        rows[:0],
    )


def measured(trained: Trained, seconds: float, threads: int = 0) -> dict[str, Any]:
    """One network: what an update costs, and how long it takes. `threads` in the place of those it was trained with."""
    problem = problem_of(trained)
    wish = RecipeWish(assignments={"training.batch_size": trained.batch_size})
    choices = DataChoices(inputs=("image",), target="label", classes=problem.classes)
    recipe = base_recipe(problem, "classify", wish, choices, SplitChoices())
    machine = replace(recipe.machine, number_format=trained.number_format, threads=threads or trained.threads)
    recipe = replace(recipe, model=trained.model.filled("models"), machine=machine)
    network = engine.assemble(recipe, problem)
    step, loader = engine._supervised(recipe, problem, network), engine.loader_of(recipe, problem, network)
    batch = loader.batch_at(0)
    update = partial(step.update, batch, 0, 1.0)
    with _arithmetic.threads(machine.threads):
        update()  # which makes the optimiser's state
        work = counted(update)
        taken = times(update, seconds)
    return {
        "batch_size": trained.batch_size,
        "arithmetic": f"{machine.number_format}, {machine.threads} threads",
        **costs(work, 3 * flop(network, batch)),
        "seconds_per_update": median(taken),
    }


def costs(work: Work, engine_flop: int) -> dict[str, int]:
    """An update's operations, its bytes, and the operations by the engine's own count: three times the forward pass."""
    return {
        "flop_per_update": work.flop,
        "engine_flop_per_update": engine_flop,
        "bytes_per_update": work.size_bytes,
    }


def peaks(seconds: float, threads: int) -> dict[str, Any]:
    """What the machine reaches at best."""
    with _arithmetic.threads(threads):
        products = {name: peak_flop_per_second(name, PRODUCT_SIDE, seconds) for name in ("float32", "bfloat16")}
        copied = bytes_per_second(COPIED_BYTES, seconds)
    return {"threads": threads, "flop_per_second": products, "bytes_per_second": copied}


def runs_of(
    records: Mapping[str, Any], machine: Mapping[str, Any] | None = None
) -> list[tuple[dict[str, Any], Trained | None]]:
    """(which run, what it was trained with) for every run of the records; None too for one on another machine."""
    found = []
    for goal, one in records.items():
        for run in one["runs"]:
            is_here = machine is None or all(run["machine"][what] == machine[what] for what in ("cpu", "cores"))
            trained = trained_with(run, SHAPES[GOALS[goal].data]) if is_here else None
            found.append(({"goal": goal, "seed": run["seed"], "date": run["date"]}, trained))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("goals", nargs="*", help="parts of the names of goals; all when left out")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each measurement")
    parser.add_argument("--threads", type=int, default=0, help="of all of it; prints and writes nothing")
    asked = parser.parse_args()
    tune_process()
    torch.set_num_threads(asked.threads or usable_cores())
    records = json.loads((RESULTS / "records.json").read_text(encoding="utf-8"))["result"]
    wanted = {
        goal: one for goal, one in records.items() if not asked.goals or any(part in goal for part in asked.goals)
    }
    runs = runs_of(wanted, None if asked.threads else circumstances()["machine"])
    found = {"peaks": peaks(asked.seconds, asked.threads or usable_cores())}
    print(found["peaks"], flush=True)
    networks = {}
    for key, trained in {one.key: one for _, one in runs if one is not None}.items():
        networks[key] = measured(trained, asked.seconds, asked.threads)
        print(key, networks[key], flush=True)
    said = [{**run, "network": None if trained is None else trained.key} for run, trained in runs]
    if not asked.goals and not asked.threads:
        print(write(NAME, {**found, "networks": networks, "runs": said}))


if __name__ == "__main__":
    main()
