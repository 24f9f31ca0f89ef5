"""A linear head on vectors from elsewhere: how strongly it is held back is chosen on the training part alone.

Such a head is a convex problem. It is solved, not trained for a while, and the one thing left to choose is λ of the
penalty: the strength under which held-out training items are told best, each by a head that never saw it or its group.
What was measured: docs/tried.md, "Heads on pretrained vectors".
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from penjing.core import plugins
from penjing.core.budget import Clock
from penjing.core.events import Decided
from penjing.core.recipe import Choice, Recipe, change
from penjing.core.split import inner_folds
from penjing.training import engine
from penjing.training.engine import Problem
from penjing.workflows._usual import LINEAR

# C of scikit-learn for vectors of length one, the strongest penalty first: each head begins where the last one ended.
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
FOLDS = 5
PLENTY = 3000  # training items from which one fold tells as much as all
UPDATES, TRIAL_UPDATES = 8, 2
TIME_SHARE = 0.1  # of the whole time, what the choice may take
# Metrics in which a rare class counts as much as a frequent one.
EQUAL_CLASSES = ("balanced_accuracy", "macro_f1")
_BY_HAND = ("model", "encoders", "optimiser", "schedule", "training")


def suits(problem: Problem, model: str, assignments: Mapping[str, Any]) -> bool:
    """Whether a recipe is that of a linear head: one input of vectors, and nothing of the network set by hand."""
    by_hand = {name.split(".")[0] for name in assignments}
    return list(problem.modality.values()) == ["embedding"] and not model and by_hand.isdisjoint(_BY_HAND)


def linear_head(
    problem: Problem, base: Recipe, assignments: Mapping[str, Any], groups: np.ndarray | None, clock: Clock
) -> tuple[Recipe, Decided]:
    """The recipe of the head, and what decided its strength.

    Args:
        problem: holds no test item; only its training rows are looked at.
        base: where to begin.
        assignments: what a person set by hand.
        groups: Int[rows]; rows of one group are held out together. None has none.
        clock: the choice keeps to its share of the time.
    """
    recipe = change(_as_linear(base), assignments) if assignments else _as_linear(base)
    deadline = time.monotonic() + TIME_SHARE * clock.limit_seconds if clock.is_binding else np.inf
    with clock.stage("strength of the head"):
        losses = _losses(problem, recipe, groups, deadline)
    strength = min(losses, key=lambda one: losses[one]) if losses else STRENGTHS[len(STRENGTHS) // 2]
    shown = ", ".join(f"{one:g}: {loss:.3f}" for one, loss in losses.items())
    why = f"loss of held-out training items by strength: {shown}" if losses else "too few items to hold any out"
    return _held(recipe, problem, strength), Decided("strength", f"{strength:g}", why, {"losses": losses})


def _as_linear(base: Recipe) -> Recipe:
    task = dict(base.task.settings)
    if "label_smoothing" in task:
        task["label_smoothing"] = 0.0  # the penalty is what holds it back
    if task.get("class_weights") == "none" and task.get("metric") in EQUAL_CLASSES:
        task["class_weights"] = "balanced"
    training = replace(base.training, steps=UPDATES, batch_size=0, evaluations=1, ema=0.0)
    model = Choice("probe", {"width": 0, "dropout": 0.0})
    found = replace(base, task=Choice(base.task.name, task), model=model, optimiser=LINEAR, training=training)
    return replace(found, augment=(), schedule=Choice("constant")).filled()


def _held(recipe: Recipe, problem: Problem, strength: float) -> Recipe:
    """The recipe with the penalty that a strength means for so many items; vectors have the length √features."""
    (shape,) = problem.shape.values()
    decay = float(f"{shape[0] / (strength * len(problem.train)):.6g}")
    return replace(
        recipe, optimiser=replace(recipe.optimiser, settings={**recipe.optimiser.settings, "weight_decay": decay})
    )


def _losses(problem: Problem, recipe: Recipe, groups: np.ndarray | None, deadline: float) -> dict[float, float]:
    """Strength → mean loss of held-out training items; {} where none can be held out."""
    task = plugins.load("tasks", recipe.task.name)
    rows = problem.train
    strata = task.stratify(problem.truth)[rows]
    fold = inner_folds(np.arange(len(rows)) if groups is None else groups[rows], strata, FOLDS)
    held = [number for number in range(fold.max() + 1) if _can_learn(problem, rows[fold != number])]
    short = replace(recipe, training=replace(recipe.training, steps=TRIAL_UPDATES))
    told: dict[float, list[np.ndarray]] = {strength: [] for strength in STRENGTHS}
    seen: list[np.ndarray] = []
    for number in held[:1] if len(rows) >= PLENTY else held:
        inner = replace(problem, train=rows[fold != number], valid=np.arange(0))
        start = None
        for strength in STRENGTHS:
            trained = engine.carry_out(_held(short, inner, strength), inner, start=start)
            start = trained.network.state_dict()
            out = rows[fold == number]
            answer = task.answer(engine.outputs(trained.network, problem.items, out))
            told[strength].append(task.item_losses(problem.truth[out], answer))
        seen.append(strata[fold == number])
        if time.monotonic() > deadline:
            break
    weight = _weights(np.concatenate(seen), recipe) if seen else None
    return {one: float(np.average(np.concatenate(found), weights=weight)) for one, found in told.items() if found}


def _can_learn(problem: Problem, rows: np.ndarray) -> bool:
    return len(np.unique(problem.truth[rows], axis=0)) > 1


def _weights(strata: np.ndarray, recipe: Recipe) -> np.ndarray | None:
    """What each held-out item counts: where classes weigh the same, the less the more its class has."""
    if recipe.task.settings.get("class_weights") != "balanced":
        return None
    _, code, count = np.unique(strata, return_inverse=True, return_counts=True)
    found: np.ndarray = 1 / count[code]
    return found
