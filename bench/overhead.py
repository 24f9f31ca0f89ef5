"""What the training loop costs a step beyond forward, backward and the optimiser, on a network that costs nothing.

Both run in turns in one process: penjing's loop as `fit` runs it, loader, schedule, moving average, evaluations and
all; and a bare loop over batches that lie ready. Their difference is what penjing adds, in microseconds of processor
time, which busy neighbours disturb less than the clock on the wall; that is given beside it.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from _clocked import posed, ready
from _command import begin_as_penjing_does
from _record import write

from penjing.core.recipe import Choice, Recipe, Training
from penjing.training import engine
from penjing.workflows._choose import RecipeWish

STEPS, TURNS, BATCH = 3_000, 7, 32
GOAL_MICROSECONDS = 100.0


def main() -> None:
    begin_as_penjing_does()
    draw = np.random.default_rng(0)
    pixels, labels = draw.integers(0, 256, (2_000, 8, 8), dtype=np.uint8), draw.integers(0, 10, 2_000)
    with tempfile.TemporaryDirectory() as folder:
        wish = RecipeWish(model="mlp", assignments={"optimiser": "adamw", "machine.threads": 1})
        problem, recipe = posed(ready((pixels, labels), Path(folder)), wish)
    recipe = replace(
        recipe,
        model=Choice("mlp", {"width": 16, "depth": 1}).filled("models"),
        augment=(),
        training=Training(steps=STEPS, batch_size=BATCH, evaluations=1, ema=recipe.training.ema),
    )
    taken: dict[str, list[tuple[float, float]]] = {"penjing": [], "bare": []}
    ways = {"penjing": penjing_step, "bare": bare_step}
    for turn in range(TURNS):
        for name in ways if turn % 2 == 0 else reversed(ways):
            taken[name].append(ways[name](recipe, problem))
    processor, wall = (
        {name: median(pair[which] for pair in pairs) for name, pairs in taken.items()} for which in (0, 1)
    )
    result = {
        "goal_microseconds": GOAL_MICROSECONDS,
        "microseconds": 1e6 * (processor["penjing"] - processor["bare"]),
        "wall_microseconds": 1e6 * (wall["penjing"] - wall["bare"]),
        "penjing_step_microseconds": 1e6 * processor["penjing"],
        "bare_step_microseconds": 1e6 * processor["bare"],
        "turns": TURNS,
        "steps": STEPS,
    }
    write("overhead", result)
    print({name: round(value, 1) for name, value in result.items()})


class Clock:
    """(processor seconds, seconds on the wall) since it was made."""

    def __init__(self) -> None:
        self.begun = time.process_time(), time.perf_counter()

    def read(self) -> tuple[float, float]:
        return time.process_time() - self.begun[0], time.perf_counter() - self.begun[1]


def penjing_step(recipe: Recipe, problem: engine.Problem) -> tuple[float, float]:
    """Seconds a step of the loop, evaluation left out: a training less one of a single step."""
    engine.carry_out(replace(recipe, training=replace(recipe.training, steps=50)), problem)
    clock = Clock()
    engine.carry_out(recipe, problem)
    whole = clock.read()
    clock = Clock()
    engine.carry_out(replace(recipe, training=replace(recipe.training, steps=1)), problem)
    one = clock.read()
    count = recipe.training.steps - 1
    return (whole[0] - one[0]) / count, (whole[1] - one[1]) / count


def bare_step(recipe: Recipe, problem: engine.Problem) -> tuple[float, float]:
    """Seconds a step of forward, backward and optimiser alone, on batches that lie ready."""
    network = engine.assemble(recipe, problem).train()
    optimiser = engine._supervised(recipe, problem, network).optimiser
    loader = engine.loader_of(recipe, problem, network)
    batches = [loader.batch_at(step) for step in range(32)]
    loss = engine.loss_of(recipe, problem)
    before = torch.get_num_threads()
    torch.set_num_threads(recipe.machine.threads)
    try:
        clock = Clock()
        for step in range(recipe.training.steps):
            batch = batches[step % len(batches)]
            optimiser.zero_grad(set_to_none=True)
            loss(network(batch), batch).backward()
            optimiser.step()
        processor, wall = clock.read()
        return processor / recipe.training.steps, wall / recipe.training.steps
    finally:
        torch.set_num_threads(before)


if __name__ == "__main__":
    main()
