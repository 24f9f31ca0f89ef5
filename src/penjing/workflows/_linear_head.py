"""A linear head on vectors from elsewhere: how strongly it is held back is chosen on the training part alone.

Such a head is a convex problem. It is solved, not trained for a while, and what is left to choose is λ of the penalty,
whether a linear model of words stands beside it, and what the names of the classes say: that under which held-out
training items are told best, each by a head that never saw it or its group. What was measured: docs/tried.md, "Heads
on pretrained vectors", "Names of classes".
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from penjing.core import plugins
from penjing.core.budget import Clock
from penjing.core.events import Decided
from penjing.core.recipe import Choice, Recipe, change, uncompiled
from penjing.core.split import inner_folds
from penjing.core.spread import standard_error
from penjing.core.usual import LINEAR
from penjing.training import engine
from penjing.training._names import is_suited
from penjing.training.engine import Problem

# C of scikit-learn for vectors of length one, the strongest penalty first: each head begins where the last one ended.
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
FOLDS = 5
NAMES = 0.15  # how much the names of the classes may say
FEW_ITEMS = 200  # training items a class on average from which on names have little to add
MOST_NAMES = 50
CLEAR_ERRORS = 0.5  # standard errors by which names must lower the loss
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


@dataclass(frozen=True)
class Trial:
    """What is chosen by held-out items.

    Attributes:
        strength: of the head, as C of scikit-learn.
        words: in a row that the linear model of words beside it looks at; 0 has none.
        names: how much the names of the classes say.
    """

    strength: float
    words: int = 0
    names: float = 0.0


def linear_head(
    problem: Problem, base: Recipe, assignments: Mapping[str, Any], groups: np.ndarray | None, clock: Clock
) -> tuple[Recipe, tuple[Decided, ...]]:
    """The recipe of the head, and what decided it: its strength, and what stands beside it.

    Args:
        problem: holds no test item; only its training rows are looked at.
        base: where to begin.
        assignments: what a person set by hand.
        groups: Int[rows]; rows of one group are held out together. None has none.
        clock: the choice keeps to its share of the time.
    """
    recipe = change(_as_linear(base), assignments) if assignments else _as_linear(base)
    deadline = time.monotonic() + TIME_SHARE * clock.limit_seconds if clock.is_binding else np.inf
    by_hand = {name.split(".")[0] for name in assignments}
    words = sorted({recipe.wide.longest} if "wide" in by_hand else {recipe.wide.longest, 0}, reverse=True)
    names = [recipe.names.strength]
    if "names" not in by_hand and _are_names_worth_trying(recipe, problem):
        names = [0.0, NAMES]
    with clock.stage("strength of the head"):
        told = _losses(problem, recipe, (words, names), groups, deadline)
    if not told:
        usual = Trial(STRENGTHS[len(STRENGTHS) // 2], recipe.wide.longest, names[0])
        why = "too few items to hold any out"
        return _held(recipe, problem, usual), (Decided("strength", f"{usual.strength:g}", why),)
    best = _best(told)
    decisions = [_strength_decided(told, best)]
    if len(words) > 1:
        decisions.append(_words_decided(told, best))
    if len(names) > 1:
        decisions.append(_names_decided(told, best))
    return _held(recipe, problem, best), tuple(decisions)


def _are_names_worth_trying(recipe: Recipe, problem: Problem) -> bool:
    """Whether names may help: of few items, with an encoder that reads them, where they hold a letter."""
    is_few = len(problem.train) < FEW_ITEMS * len(problem.classes) and len(problem.classes) <= MOST_NAMES
    has_letters = all(any(letter.isalpha() for letter in name) for name in problem.classes)
    return is_few and has_letters and problem.named is not None and is_suited(recipe, problem)


def _best(told: Mapping[Trial, np.ndarray]) -> Trial:
    """The trial with the lowest loss; names must be clearly worth it, for they may mean something else here."""
    plain = min((one for one in told if not one.names), key=lambda one: told[one].mean(), default=None)
    best = min(told, key=lambda one: told[one].mean())
    if plain is None or not best.names:
        return best
    gain = told[plain] - told[best]
    return best if gain.mean() > CLEAR_ERRORS * standard_error(gain) else plain


def _strength_decided(told: Mapping[Trial, np.ndarray], best: Trial) -> Decided:
    others = {one: float(loss.mean()) for one, loss in told.items()}
    alike = {one.strength: loss for one, loss in others.items() if replace(one, strength=best.strength) == best}
    shown = ", ".join(f"{one:g}: {loss:.3f}" for one, loss in alike.items())
    why = f"loss of held-out training items by strength: {shown}"
    return Decided("strength", f"{best.strength:g}", why, {"losses": alike})


def _words_decided(told: Mapping[Trial, np.ndarray], best: Trial) -> Decided:
    loss = {bool(one.words): float(told[one].mean()) for one in told if replace(one, words=best.words) == best}
    why = f"loss of held-out training items with a linear model of words {loss[True]:.3f}, without {loss[False]:.3f}"
    return Decided("words beside", "yes" if best.words else "no", why)


def _names_decided(told: Mapping[Trial, np.ndarray], best: Trial) -> Decided:
    least: dict[float, float] = {}
    for one, loss in told.items():
        least[one.names] = min(least.get(one.names, math.inf), float(loss.mean()))
    shown = ", ".join(f"{name:g}: {loss:.3f}" for name, loss in least.items())
    why = f"loss of held-out training items by how much the names of the classes say: {shown}"
    if not best.names and min(least, key=lambda one: least[one]):
        why += "; too close to tell"
    return Decided("names of classes", f"{best.names:g}" if best.names else "no", why)


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


def _held(recipe: Recipe, problem: Problem, trial: Trial) -> Recipe:
    """The recipe of a trial: its penalty is what a strength means for so many items, each layer of length √features."""
    (shape,) = problem.shape.values()
    decay = float(f"{shape[0] / (trial.strength * len(problem.train)):.6g}")
    return replace(
        recipe,
        optimiser=replace(recipe.optimiser, settings={**recipe.optimiser.settings, "weight_decay": decay}),
        wide=replace(recipe.wide, longest=trial.words),
        names=replace(recipe.names, strength=trial.names),
    )


def _losses(
    problem: Problem,
    recipe: Recipe,
    options: tuple[Sequence[int], Sequence[float]],
    groups: np.ndarray | None,
    deadline: float,
) -> dict[Trial, np.ndarray]:
    """Trial → the losses of held-out training items, weighed so that their mean is what counts; {} where none can be.

    Args:
        problem: only its training rows are looked at.
        recipe: of the head.
        options: the words in a row (most first) and the strengths of names to try.
        groups: see `linear_head`.
        deadline: by the monotonic clock. A strength of names that is not done by then is not tried; the first one is,
            on as many folds as the time allows.
    """
    words, names = options
    task = plugins.load("tasks", recipe.task.name)
    rows = problem.train
    strata = task.stratify(problem.truth[rows])
    fold = inner_folds(np.arange(len(rows)) if groups is None else groups[rows], strata, FOLDS)
    held = [number for number in range(fold.max() + 1) if _can_learn(problem, rows[fold != number])]
    if len(rows) >= PLENTY:
        held = held[:1]
    short = replace(recipe, training=replace(recipe.training, steps=TRIAL_UPDATES))
    found: dict[Trial, list[np.ndarray]] = {}
    seen: list[np.ndarray] = []
    for name in names:
        tried: dict[Trial, list[np.ndarray]] = {}
        strengths = _near_the_best(found) if found else STRENGTHS
        for number in held:
            if tried and time.monotonic() > deadline:
                break
            parts = replace(problem, train=rows[fold != number], valid=rows[fold == number])
            for trial, losses in _fold_losses(parts, short, strengths, words, name).items():
                tried.setdefault(trial, []).append(losses)
            if name == names[0]:
                seen.append(strata[fold == number])
        if tried and len(next(iter(tried.values()))) == len(seen):
            found.update(tried)
    weight = _weights(np.concatenate(seen), recipe) if seen else None
    return {trial: np.concatenate(losses) * (1 if weight is None else weight) for trial, losses in found.items()}


def _near_the_best(found: Mapping[Trial, Sequence[np.ndarray]]) -> Sequence[float]:
    """The strength that did best so far, and its neighbours."""
    best = min(found, key=lambda one: float(np.concatenate(found[one]).mean())).strength
    place = STRENGTHS.index(best)
    return STRENGTHS[max(0, place - 1) : place + 2]


def _fold_losses(
    problem: Problem, recipe: Recipe, strengths: Sequence[float], words: Sequence[int], names: float
) -> dict[Trial, np.ndarray]:
    """Trial → the loss of each item that `problem` would validate with, by a head that never saw it."""
    task = plugins.load("tasks", recipe.task.name)
    inner, out = replace(problem, valid=np.arange(0)), problem.valid
    found, start = {}, None
    for strength in strengths:
        held = uncompiled(_held(recipe, inner, Trial(strength, words[0], names)))
        trained = engine.carry_out(held, inner, start=start, is_recorded=False)
        start = trained.network.state_dict()
        for number in words:
            if not number:
                trained.network.wide.clear()
            answer = task.answer(engine.outputs(trained.network, problem.items, out))
            found[Trial(strength, number, names)] = np.asarray(task.item_losses(problem.truth[out], answer))
    return found


def _can_learn(problem: Problem, rows: np.ndarray) -> bool:
    return len(np.unique(problem.truth[rows], axis=0)) > 1


def _weights(strata: np.ndarray, recipe: Recipe) -> np.ndarray | None:
    """What each held-out item counts, 1 on average: where classes weigh the same, the less the more its class has."""
    if recipe.task.settings.get("class_weights") != "balanced":
        return None
    _, code, count = np.unique(strata, return_inverse=True, return_counts=True)
    found: np.ndarray = len(strata) / (len(count) * count[code])
    return found
