"""What looking inside a training costs it: the same training with and without what the record holds for a doctor.

Both run in turns in one process and are told in seconds of processor time, which other programs on the machine disturb
less than they disturb the clock.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from unittest.mock import patch

import numpy as np
from _clocked import posed, ready
from _command import begin_as_penjing_does
from _record import write

from penjing.core.recipe import Choice, Training
from penjing.training import _evaluate, engine
from penjing.training._step import Supervised
from penjing.workflows._choose import RecipeWish

TURNS, BATCH, EVALUATIONS = 7, 32, 10
GOAL_SHARE = 0.03
# network → settings, augmentation, updates: a training of some seconds each
CASES = {
    "cnn": ({}, (Choice("flip").filled("augmentations"),), 400),
    "mlp": ({"width": 64, "depth": 2}, (), 3_000),
}


def main() -> None:
    begin_as_penjing_does()
    draw = np.random.default_rng(0)
    pixels, labels = draw.integers(0, 256, (2_000, 28, 28), dtype=np.uint8), draw.integers(0, 10, 2_000)
    result = {"goal_share": GOAL_SHARE, "turns": TURNS, "evaluations": EVALUATIONS}
    for network, (settings, augment, steps) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            wish = RecipeWish(model=network, assignments={"machine.threads": 1})
            problem, recipe = posed(ready((pixels, labels), Path(folder)), wish)
        recipe = replace(
            recipe,
            model=Choice(network, settings).filled("models"),
            augment=augment,
            training=Training(steps=steps, batch_size=BATCH, evaluations=EVALUATIONS, ema=recipe.training.ema),
        )
        result[network] = {"steps": steps, **compared(recipe, problem)}
        print(network, result[network], flush=True)
    write("vitals", result)


def compared(recipe, problem) -> dict[str, float]:
    """Seconds of a training either way, and the share that looking adds, of the medians and turn by turn."""
    seconds = {"looking": [], "not looking": []}
    for turn in range(TURNS + 1):
        for way in list(seconds)[:: 1 if turn % 2 else -1]:
            taken = processor_seconds(recipe, problem, way == "looking")
            if turn:  # the first one warms up
                seconds[way].append(taken)
    shares = [one / other - 1 for one, other in zip(*seconds.values(), strict=True)]
    middle = {way: median(taken) for way, taken in seconds.items()}
    return {
        "seconds_looking": middle["looking"],
        "seconds_not_looking": middle["not looking"],
        "share": middle["looking"] / middle["not looking"] - 1,
        "least_share": min(shares),
        "most_share": max(shares),
    }


def processor_seconds(recipe, problem, is_looking: bool) -> float:
    """What one training takes, which keeps its record in a folder either way."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.process_time()
        if is_looking:
            engine.carry_out(recipe, problem, folder=Path(folder))
        else:
            with (
                patch.object(Supervised, "look", lambda *_: None),
                patch.object(_evaluate.Inside, "read", lambda *_: {}),
                patch.object(engine, "met", lambda *_: []),
                patch.object(_evaluate, "outputs_told", lambda *_: {}),
            ):
                engine.carry_out(recipe, problem, folder=Path(folder))
        return time.process_time() - begun


if __name__ == "__main__":
    main()
