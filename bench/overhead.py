"""What the training loop costs a step beyond forward, backward and the optimiser, on a network that costs nothing.

Both run in turns in one process: penjing's loop as `fit` runs it, loader, schedule, moving average, evaluations and
all; and a bare loop over batches that lie ready. Their difference is what penjing adds, in microseconds.
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
from _record import write

from penjing.core.recipe import Choice, Training
from penjing.training import engine
from penjing.workflows._choose import RecipeWish

STEPS, TURNS, BATCH = 3_000, 7, 32
GOAL_MICROSECONDS = 100.0


def main() -> None:
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
    ours, bare = [], []
    for turn in range(TURNS):
        for one in ("ours", "bare") if turn % 2 == 0 else ("bare", "ours"):
            if one == "ours":
                ours.append(penjing_step(recipe, problem))
            else:
                bare.append(bare_step(recipe, problem))
    added = 1e6 * (median(ours) - median(bare))
    result = {
        "goal_microseconds": GOAL_MICROSECONDS,
        "microseconds": added,
        "penjing_step_microseconds": 1e6 * median(ours),
        "bare_step_microseconds": 1e6 * median(bare),
        "turns": TURNS,
        "steps": STEPS,
    }
    write("overhead", result)
    print({name: round(value, 1) for name, value in result.items()})


def penjing_step(recipe, problem) -> float:
    """Seconds a step of the loop, evaluation left out."""
    engine.carry_out(replace(recipe, training=replace(recipe.training, steps=50)), problem)
    begun = time.perf_counter()
    engine.carry_out(recipe, problem)
    whole = time.perf_counter() - begun
    begun = time.perf_counter()
    engine.carry_out(replace(recipe, training=replace(recipe.training, steps=1)), problem)
    return (whole - (time.perf_counter() - begun)) / (recipe.training.steps - 1)


def bare_step(recipe, problem) -> float:
    """Seconds a step of forward, backward and optimiser alone, on batches that lie ready."""
    network = engine.assemble(recipe, problem).train()
    optimiser = engine._supervised(recipe, problem, network).optimiser
    loader = engine._loader(recipe, problem, network)
    batches = [loader.batch_at(step) for step in range(32)]
    loss = engine.loss_of(recipe, problem)
    before = torch.get_num_threads()
    torch.set_num_threads(recipe.machine.threads)
    try:
        begun = time.perf_counter()
        for step in range(recipe.training.steps):
            batch = batches[step % len(batches)]
            optimiser.zero_grad(set_to_none=True)
            loss(network(batch), batch).backward()
            optimiser.step()
        return (time.perf_counter() - begun) / recipe.training.steps
    finally:
        torch.set_num_threads(before)


if __name__ == "__main__":
    main()
