"""How long a network waits for its batches, kind by kind: the share of a training's time, evaluations left out.

Each network of `bench/probe.py` learns from data of its kind as `fit` would train it (augmentation, moving average,
batches made ahead where a core is free), with one thread and with as many as there are cores.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from _command import begin_as_penjing_does
from _record import write
from probe import NETWORKS, posed_network, wanted

from penjing.core.process import usable_cores
from penjing.core.recipe import Recipe, Training
from penjing.training import engine
from penjing.training._arithmetic import threads
from penjing.training._problem import Problem

GOAL_SHARE = 0.03
SECONDS, FEWEST, WARM_UPS = 4.0, 5, 3  # of steps; steps; steps that do not count


def measured(name: str) -> dict[str, Any]:
    """One network: the share of its time that it waits, for each number of threads."""
    with tempfile.TemporaryDirectory() as folder:
        problem, recipe = posed_network(name, Path(folder))
        known = recipe.training
        training = Training(steps=10**9, batch_size=known.batch_size, evaluations=1, ema=known.ema)
        recipe = replace(recipe, training=training)
        shares = {}
        for threads in sorted({1, usable_cores()}):
            shares[f"threads_{threads}"] = share(
                replace(recipe, machine=replace(recipe.machine, threads=threads)), problem
            )
    return {"augment": [choice.name for choice in recipe.augment], **shares}


def share(recipe: Recipe, problem: Problem) -> float:
    """Of the time of some steps, how much went by before their batches were there."""
    waited, seconds, _ = stepped(recipe, problem, SECONDS)
    return waited / seconds


def stepped(recipe: Recipe, problem: Problem, least: float) -> tuple[float, float, int]:
    """(seconds waited, seconds in all, updates) of so many seconds of updates at least."""
    network = engine.assemble(recipe, problem)
    step, loader = engine._supervised(recipe, problem, network), engine.loader_of(recipe, problem, network)
    with threads(recipe.machine.threads), loader.batches(0) as batches:
        for number in range(WARM_UPS):
            step.update(next(batches), number, 1.0)
        loader.stalled_seconds = 0.0
        begun, count = time.perf_counter(), 0
        while count < FEWEST or time.perf_counter() - begun < least:
            step.update(next(batches), WARM_UPS + count, 1.0)
            count += 1
        return loader.stalled_seconds, time.perf_counter() - begun, count


def main() -> None:
    begin_as_penjing_does()
    names = wanted(__doc__)
    result = {}
    for name in names:
        result[name] = measured(name)
        print(f"{name:28}", result[name], flush=True)
    if len(names) == len(NETWORKS):
        most = max(value for one in result.values() for value in one.values() if isinstance(value, float))
        write("stalls", {"goal_share": GOAL_SHARE, "most": most, "networks": result})


if __name__ == "__main__":
    main()
