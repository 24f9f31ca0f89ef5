"""penjing by the engine's own clock: from the first read of the decoded items to the final weights.

`fit` spends time on more than that: reading, decoding, duplicates, the floor, the report. Records of speed name both.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from penjing.core import cache
from penjing.core.budget import Clock
from penjing.core.process import tune_process
from penjing.core.recipe import DataChoices, Recipe, SplitChoices
from penjing.training import engine
from penjing.training._loop import Pace
from penjing.training._plan import total_steps
from penjing.training.engine import Problem
from penjing.workflows._choose import RecipeWish, base_recipe, choose
from penjing.workflows._prepare import DataWish, Prepared, prepare
from penjing.workflows._problem import pose


@dataclass(frozen=True)
class Ready:
    """Decoded items in their parts.

    Attributes:
        prepared: the items.
        seconds: how long that took, end to end.
        opening_seconds: of these, how long decoded items were read into memory: that counts as the engine's.
    """

    prepared: Prepared
    seconds: float
    opening_seconds: float = 0.0


@dataclass(frozen=True)
class Carried:
    """One training by the clock.

    Attributes:
        seconds: from the first read of the cache to the final weights.
        training_seconds: of these, the training that was carried out in the end; measuring and choosing came before it.
        accuracy: part → share of items that are right.
        recipe: what was carried out.
        decided: what was decided, with the reasons.
    """

    seconds: float
    accuracy: dict[str, float]
    recipe: Recipe
    decided: dict[str, str] = field(default_factory=dict)
    training_seconds: float = 0.0

    def record(self) -> dict[str, Any]:
        machine = self.recipe.machine
        return {
            "clock_seconds": self.seconds,
            "training_seconds": self.training_seconds,
            "accuracy": self.accuracy,
            "steps": total_steps(self.recipe.training),
            "batch_size": self.recipe.training.batch_size,
            "model": {"name": self.recipe.model.name, "settings": dict(self.recipe.model.settings)},
            "arithmetic": f"{machine.number_format}, {machine.threads} threads",
            "decided": self.decided,
        }


def ready(data: object, folder: Path, wish: DataWish | None = None) -> Ready:
    """Read, decode and deal the data, with a cache of their own in `folder`."""
    os.environ.update(PENJING_CACHE=str(folder / "cache"), PENJING_STATE=str(folder / "state"))
    tune_process()
    opened, open_column = 0.0, cache.open_column

    def timed(form_id: str, hashes: Sequence[str]) -> cache.CachedColumn:
        nonlocal opened
        asked = time.monotonic()
        found = open_column(form_id, hashes)
        opened += time.monotonic() - asked
        return found

    begun = time.monotonic()
    with patch.object(cache, "open_column", timed):
        prepared = prepare(data, wish or DataWish(), Clock(3600.0))
    return Ready(prepared, time.monotonic() - begun, opened)


def posed(data: Ready, wish: RecipeWish) -> tuple[Problem, Recipe]:
    """What is learned from the training part, and the recipe before anything is measured."""
    prepared = data.prepared
    problem = pose(prepared, prepared.rows("train"), prepared.rows("valid"))
    return problem, base_of(data, problem, wish)


def base_of(data: Ready, problem: Problem, wish: RecipeWish) -> Recipe:
    """The recipe of a problem before anything is measured."""
    choices = DataChoices(inputs=tuple(problem.modality), target=problem.target, classes=problem.classes)
    return base_recipe(problem, data.prepared.task, wish, choices, SplitChoices())


def carried_out(
    data: Ready,
    seconds: float,
    *,
    seed: int = 0,
    device: str = "cpu",
    by_hand: Mapping[str, Any] | None = None,
    train: np.ndarray | None = None,
    valid: np.ndarray | None = None,
    is_tested: bool = False,
    is_final: bool = False,
    others: np.ndarray | None = None,
) -> Carried:
    """Choose a recipe and carry it out within `seconds`; score it afterwards, off the clock.

    Args:
        by_hand: single choices, dotted key → value.
        train: the rows to learn from; those of the training part when left out.
        valid: the rows that choose; those of validation when left out.
        is_tested: whether the test part is scored too.
        is_final: whether the rows that choose the recipe are learned from as well, as `fit --final` does; validation
            is then no score of anything.
        others: rows of no part of this that are scored too, as "other".
    """
    prepared, wish = data.prepared, RecipeWish(seed=seed, device=device, assignments=by_hand or {})
    train = prepared.rows("train") if train is None else train
    valid = prepared.rows("valid") if valid is None else valid
    clock = Clock(seconds - data.opening_seconds)
    problem = pose(prepared, train, valid)
    chosen = choose(problem, base_of(data, problem, wish), wish, clock)
    if is_final:
        problem = pose(prepared, np.sort(np.concatenate([train, valid])), valid[:0])
    begun = clock.elapsed
    trained = engine.carry_out(
        chosen.recipe, problem, pace=Pace(clock.started + clock.limit_seconds, chosen.most_steps)
    )
    training_seconds, taken = clock.elapsed - begun, clock.elapsed + data.opening_seconds
    asked = {} if is_final else {"valid": valid}
    if others is not None:
        asked["other"] = others
    if is_tested:
        asked["test"] = prepared.rows("test")
    answers = {part: engine.outputs(trained.network, problem.items, rows).argmax(1) for part, rows in asked.items()}
    right = {part: float((answers[part] == problem.truth[rows]).mean()) for part, rows in asked.items()}
    decided = {one.what: f"{one.choice} ({one.why})" for one in chosen.decisions}
    return Carried(taken, right, trained.recipe, decided, training_seconds)
