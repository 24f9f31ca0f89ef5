"""What each ingredient of the recipe for many pictures is worth: Fashion-MNIST, one change at a time, equal work.

    python bench/ablation.py               every variant, three seeds
    python bench/ablation.py filter labels some variants, by parts of their names

All variants take as many updates of as many items as the first one, and what costs more than an update (going over all
items to leave some out) pays for it in updates; so they take equal seconds, whatever else the machine does meanwhile.
52,500 items of the training part are learned from, 5,000 others judge; the test part is not looked at. One thread,
bfloat16.
Needs the Debian package dataset-fashion-mnist.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from _clocked import Ready, posed, ready
from _record import RESULTS, write
from records import fashion
from torch import nn

from penjing.core.recipe import Choice, Recipe, change
from penjing.models import airbench
from penjing.training import _arithmetic, engine
from penjing.training.engine import Problem
from penjing.workflows._choose import RecipeWish

NAME = "ablation"
UPDATES, BATCH, WIDTH, RATE = 800, 128, 16, 0.06
LEFT_OUT_AT = (1 / 3, 2 / 3)  # of the course
LOOK_COST = 1 / 3  # of an update's arithmetic for as many items: forward only

Rows = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Variant:
    """One change.

    Attributes:
        choices: what is set in the recipe, dotted key → value.
        meanwhile: inside it the network is made.
        keeps: training rows and the loss of each → the rows that are gone on with; None keeps all.
    """

    choices: dict[str, Any] = field(default_factory=dict)
    meanwhile: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext
    keeps: Rows | None = None


def drawn_filters() -> contextlib.AbstractContextManager[Any]:
    """The first filters stay as they were drawn, in pairs of either sign as ever."""

    def learn(self: airbench.Patches, _: torch.Tensor) -> None:
        half = self.outputs // 2
        with torch.no_grad():
            self.filters.weight[half:] = -self.filters.weight[:half]

    return patch.object(airbench.Patches, "learn", learn)


def drawn_convolutions() -> contextlib.AbstractContextManager[Any]:
    """Convolutions do not begin by passing on what they get."""
    return patch.object(airbench.Identity, "reset_parameters", nn.Conv2d.reset_parameters)


def without_surest(share: float) -> Rows:
    """All rows but this share of them, those with the lowest loss."""
    return lambda rows, losses: np.sort(rows[np.argsort(-losses, kind="stable")[: round(len(rows) * (1 - share))]])


def without_doubted(share: float) -> Rows:
    """All rows but this share of them, those with the highest loss."""
    return lambda rows, losses: np.sort(rows[np.argsort(losses, kind="stable")[: round(len(rows) * (1 - share))]])


VARIANTS = {
    "as it is": Variant(),
    "first filters drawn, not learned from patches": Variant(meanwhile=drawn_filters),
    "convolutions drawn, not passing on": Variant(meanwhile=drawn_convolutions),
    "labels not smoothed": Variant({"task.label_smoothing": 0.0}),
    "no moving average of the weights": Variant({"training.ema": 0.0}),
    "not mirrored": Variant({"augment": ["crop"]}),
    "neither mirrored nor shifted": Variant({"augment": []}),
    "schedule one_cycle": Variant({"schedule": "one_cycle"}),
    "schedule cosine": Variant({"schedule": "cosine"}),
    "adamw, rate 0.003": Variant({"optimiser": "adamw", "optimiser.rate": 0.003}),
    "adamw, rate 0.01": Variant({"optimiser": "adamw", "optimiser.rate": 0.01}),
    "sgd with momentum, rate 0.1": Variant({"optimiser": "momentum", "optimiser.rate": 0.1}),
    "sgd with momentum, rate 0.4": Variant({"optimiser": "momentum", "optimiser.rate": 0.4}),
    "a quarter left out, the surest": Variant(keeps=without_surest(0.25)),
    "half left out, the surest": Variant(keeps=without_surest(0.5)),
    "a twentieth left out, the most doubted": Variant(keeps=without_doubted(0.05)),
}


def recipe_of(base: Recipe, variant: Variant, seed: int, updates: int = UPDATES) -> Recipe:
    """The recipe of a variant, all else as `fit` takes it for these pictures."""
    named = dict(variant.choices)
    augment = named.pop("augment", ["flip", "crop"])
    usual = {one.name: one for one in (Choice("flip").filled("augmentations"), *base.augment)}
    recipe = replace(
        base,
        seed=seed,
        model=Choice("airbench", {"width": WIDTH}).filled("models"),
        augment=tuple(usual[name] for name in augment),
        machine=replace(base.machine, threads=1, number_format="bfloat16"),
        training=replace(base.training, steps=updates, batch_size=BATCH, evaluations=1),
    )
    return change(change(recipe, {"optimiser.rate": RATE}), named)


def course(recipe: Recipe, problem: Problem, variant: Variant) -> Iterator[tuple[engine.Supervised, float]]:
    """The update after each step, and the share of the course that is done; items are left out on the way."""
    with variant.meanwhile():
        network = engine._begun(recipe, problem, None)
    step, factor = engine._supervised(recipe, problem, network), engine._factor(recipe.schedule)
    looks = LEFT_OUT_AT if variant.keeps else ()
    updates = recipe.training.steps - round(len(looks) * LOOK_COST * len(problem.train) / BATCH)
    marks, number = [round(share * updates) for share in looks], 0
    rows = problem.train
    for until in [*marks, updates]:
        loader = engine.loader_of(recipe, replace(problem, train=rows), network)
        with loader.batches(number) as batches:
            while number < until:
                step.update(next(batches), number, factor(number / updates))
                number += 1
                yield step, number / updates
        if variant.keeps and number < updates:
            rows = variant.keeps(problem.train, losses(step, problem))


def losses(step: engine.Supervised, problem: Problem) -> np.ndarray:
    """The loss of each training row."""
    with step.evaluating() as network:
        said = torch.from_numpy(engine.outputs(network, problem.items, problem.train))
    truth = torch.from_numpy(problem.truth[problem.train])
    found: np.ndarray = nn.functional.cross_entropy(said, truth, reduction="none").numpy()
    return found


def accuracy(data: Ready, variant: Variant, seed: int, updates: int = UPDATES) -> float:
    """Share of the judging items that are right after the course."""
    problem, base = posed(data, RecipeWish())
    recipe = recipe_of(base, variant, seed, updates)
    with _arithmetic.threads(1):
        for step, _ in course(recipe, problem, variant):
            last = step
        with last.evaluating() as network:
            said = engine.outputs(network, problem.items, problem.valid)
    return float((said.argmax(1) == problem.truth[problem.valid]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variants", nargs="*", help="parts of the names of variants; all when left out")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    file = RESULTS / f"{NAME}.json"
    kept = json.loads(file.read_text(encoding="utf-8"))["result"]["variants"] if file.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        data = ready(fashion(Path(folder)), Path(folder))
        for name, variant in VARIANTS.items():
            if asked.variants and not any(one in name for one in asked.variants):
                continue
            runs = [accuracy(data, variant, seed) for seed in range(asked.seeds)]
            kept[name] = {"runs": runs, "mean": mean(runs), "spread": stdev(runs) if len(runs) > 1 else None}
            write(NAME, {"updates": UPDATES, "batch_size": BATCH, "width": WIDTH, "variants": kept})
            print(f"{name:50}", [round(one, 4) for one in runs], flush=True)


if __name__ == "__main__":
    main()
