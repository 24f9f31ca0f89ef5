"""From a problem and a time to a recipe: what a person did not say, the data, the machine and short trials decide.

base recipe      sizes from the amount of data
probe            the fastest right arithmetic on this machine
dial             the largest network that still sees every item often enough within the time
batch            smaller, where the time allows only a few updates
check            the two best settings once more, on the network and batch that these two chose
race             candidate networks train for a short while; validation chooses, the default where it cannot tell
augmentations    does the winner know mirrored, relit and shifted pictures? then these are safe, or pay in few passes
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from penjing.core import plugins
from penjing.core.budget import TRAINING_SHARE, Clock
from penjing.core.errors import RunError, UsageError, did_you_mean
from penjing.core.events import Decided, Watch, tell
from penjing.core.process import usable_cores
from penjing.core.randomness import stream
from penjing.core.recipe import Choice, DataChoices, Machine, Recipe, SplitChoices, Training, Wide, change, uncompiled
from penjing.core.report.text import many
from penjing.core.spread import deviation, units_that_tell
from penjing.core.usual import WIDE_RUNS, usual
from penjing.models.own import NAME as OWN
from penjing.models.own import Own
from penjing.pretrained import named
from penjing.training import engine
from penjing.training._loop import Pace
from penjing.training._plan import total_steps
from penjing.training._whole import described
from penjing.training._wide import is_suited
from penjing.training.engine import Problem, Trained, encoder_of
from penjing.workflows._arithmetic import checked, is_another, probed
from penjing.workflows._linear_head import linear_head, suits
from penjing.workflows._safe_augment import format_of, unmet, with_safe

RACE_SHARE = 0.025  # of the whole time
# The dial is set so that the time lets every item be seen about this often; the smallest sets need more passes.
PASSES_WANTED = 10
# A short training passes this often over the items, within these bounds; the clock may cut it.
RACE_PASSES, FEWEST_RACE_STEPS, MOST_RACE_STEPS = 40, 30, 1_500
DIALS = (0.25, 0.5, 1.0, 2.0, 4.0)
# Where even the first of them sees the items hardly ever, in fewer than so many updates of the smallest batch.
SMALLEST_DIAL, HARDLY_BEGUN = 0.0625, 200
LARGEST_DIAL = 64.0  # however large a network was that helped
# Time grows more slowly than the dial: small networks leave the processor waiting for memory.
DIAL_EXPONENT = 0.75
# Where the time allows fewer updates than this, batches are made smaller: a network that moved forty times has hardly
# begun, however many items each step saw. Smaller ones than `SMALLEST_BATCH` cost more time an item than they give.
FEWEST_UPDATES, SMALLEST_BATCH = 400, 64
# The default network loses a race only when it has seen the items this often, or will not see them so often at all.
FAIR_PASSES = 3.0
# And only by so many standard errors: others may learn faster at first, and the training is longer than the race.
CLEAR_ERRORS = 2.0
CANDIDATES = 2  # networks that race
# What suits the networks of others: their weights may have been learned already, and gentle steps keep them.
OWN_OPTIMISER = Choice("adamw", {"rate": 1e-3})
_OF_DATA = ("task", "encoders", "pretrained")  # choices that depend on what the data are
# What a recipe says of data and split → the option that decides it: both are settled before there is a recipe.
SETTLED = {
    "data.inputs": "--input",
    "data.target": "--target",
    "data.classes": "--classes",
    "data.drop": "--corrections",
    "data.relabel": "--corrections",
    "side": "--side",
    "channels": "--channels",
    "fit": "--canvas",
    "page": "--page",
    "split.seed": "--split-seed",
    "split.folds": "--folds",
    "split.final": "--final",
}


@dataclass(frozen=True)
class RecipeWish:
    """What a person asked of the training; everything may be left out.

    Attributes:
        seed: of the training.
        model: the only network to train, by name, path or module; "" lets candidates race.
        recipe: a finished recipe to carry out as it is.
        assignments: single choices set by hand, dotted key → value.
        device: "cpu", "cuda" or "mps".
        task: settings of the task, such as {"metric": "macro_f1"}.
        pretrained: "auto" tries encoders that are installed, "no" none, a name that one.
        own: a person's own network, which is then the only one; `model` is "own".
        least: keys of `assignments` that, where they set the size of a network, say how large it is at least: with more
            time it may be larger.
    """

    seed: int = 0
    model: str = ""
    recipe: Recipe | None = None
    assignments: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"
    task: Mapping[str, Any] = field(default_factory=dict)
    pretrained: str = "auto"
    own: Own | None = None
    least: Sequence[str] = ()


@dataclass(frozen=True)
class Chosen:
    """A recipe, and how it came about.

    Attributes:
        recipe: to be carried out.
        most_steps: beyond this many updates more would not help.
        decisions: what was decided, in order.
    """

    recipe: Recipe
    most_steps: int
    decisions: tuple[Decided, ...] = ()


def check_wish(wish: RecipeWish) -> None:
    """Say what is wrong with a wish before any time is spent on data.

    Raises:
        UsageError: a plug-in, a setting or a metric does not exist.
    """
    for key in wish.assignments:
        _refuse_settled(key)
    recipe = wish.recipe.filled() if wish.recipe else Recipe(model=Choice(wish.model or "cnn")).filled()
    # What depends on the task and the inputs is checked when they are known.
    early = {key: value for key, value in wish.assignments.items() if key.split(".")[0] not in _OF_DATA}
    if early:
        _check_by_hand(recipe, early, wish)
    engine.check_device(wish.assignments.get("machine.device", recipe.machine.device))
    if "metric" in wish.task:
        _check_metric(wish.task["metric"])
    if wish.pretrained not in ("auto", "no"):
        named(wish.pretrained)


def check_network(wish: RecipeWish, modalities: Sequence[str], items: int) -> None:
    """Say what is wrong with settings of a network that nobody named, as soon as the inputs tell which one it is.

    Args:
        modalities: of the inputs.
        items: that are trained on.

    Raises:
        UsageError: that network has no such setting.
    """
    by_hand = {key: value for key, value in wish.assignments.items() if key.startswith("model.")}
    if by_hand and not _names_network(wish):
        name = usual(modalities, items).model or _first_model(modalities[0])
        change(Recipe(model=Choice(name)).filled(), by_hand)


def _names_network(wish: RecipeWish) -> bool:
    """Whether it is known before the inputs are which network is trained."""
    is_by_hand = not {"model", "model.name"}.isdisjoint(wish.assignments)
    return is_by_hand or wish.recipe is not None or bool(wish.model)


def _check_by_hand(recipe: Recipe, assignments: Mapping[str, Any], wish: RecipeWish) -> None:
    """Whether a recipe takes what was set by hand or, where nobody named a network, any network does.

    Raises:
        UsageError: none does; the message is that of the recipe's own network.
    """
    try:
        change(recipe, assignments)
    except UsageError:
        others = () if _names_network(wish) else [name for name in plugins.names("models") if name != OWN]
        for name in others:
            with contextlib.suppress(UsageError):
                change(replace(recipe, model=Choice(name)).filled(), assignments)
                return
        raise


def _check_metric(name: str) -> None:
    """Whether some task has the metric.

    Raises:
        UsageError: none has; the message offers the nearest name of any.
    """
    known = [plugins.load("tasks", task) for task in plugins.names("tasks")]
    for task in known:
        with contextlib.suppress(UsageError):
            task.metric(name)
            return
    if not isinstance(name, str) or not name.isidentifier():
        known[0].metric(name)  # says what is wrong with an own metric
    every = sorted({metric for task in known for metric in task.METRICS})
    raise UsageError(
        f'there is no metric "{name}"; {did_you_mean(str(name), every)}. An own one is given as file.py:function'
    )


def _refuse_settled(key: str) -> None:
    """Refuse a choice by hand of what is settled before there is a recipe."""
    head = key.split(".")[0]
    if head not in ("data", "split"):
        return
    option = SETTLED.get(key.rpartition(".")[2] if key.startswith("data.decode.") else key)
    if option is None:
        raise UsageError(f"--set {key}: {head} has no choice that --set changes; see penjing fit --help")
    raise UsageError(f"--set {key} would change nothing; use {option}")


def base_recipe(problem: Problem, task: str, wish: RecipeWish, data: DataChoices, split: SplitChoices) -> Recipe:
    """The recipe before anything is measured: it follows from what the inputs are and how many items there are.

    Raises:
        UsageError: one network was asked for, and there are several inputs.
    """
    if wish.model and wish.own is None and len(problem.modality) > 1:
        listed = ", ".join(problem.modality)
        raise UsageError(
            f"--model {wish.model} is for one input, and there are several ({listed}); "
            f"name a network for one of them: --set encoders.{next(iter(problem.modality))}={wish.model}"
        )
    items = len(problem.train)
    is_free = not wish.model and "model" not in wish.assignments
    begin = usual(list(problem.modality.values()), items if is_free else 0)
    batch_size, rate = next(row[1:] for row in begin.amounts if items <= row[0])
    networks = {column: begin.model or _first_model(modality) for column, modality in problem.modality.items()}
    recipe = Recipe(
        seed=wish.seed,
        data=data,
        split=split,
        task=Choice(task, {**_known_settings(task, begin.task), **wish.task}),
        augment=begin.augment,
        model=Choice(wish.model or next(iter(networks.values()))),
        encoders={column: Choice(name) for column, name in networks.items()} if len(networks) > 1 else {},
        optimiser=begin.optimiser_at(rate),
        schedule=begin.schedule,
        training=Training(steps=1000, batch_size=min(batch_size, items), evaluations=10, ema=begin.ema),
        machine=Machine(device=wish.device, threads=usable_cores()),
    ).filled()
    if wish.own is None and is_suited(recipe, problem):
        recipe = replace(recipe, wide=Wide(longest=WIDE_RUNS))
    if wish.own is not None:
        model = described(wish.own, problem, task, wish.seed)
        recipe = replace(recipe, model=model, encoders={}, optimiser=OWN_OPTIMISER).filled()
    if wish.assignments:
        recipe = change(recipe, wish.assignments)
    is_whole = getattr(plugins.load("optimisers", recipe.optimiser.name), "WHOLE_BATCH", False)
    return replace(recipe, training=replace(recipe.training, batch_size=0)) if is_whole else recipe


def _first_model(modality: str) -> str:
    """The network that is the default for a modality."""
    return str(plugins.load("modalities", modality).MODELS[0])


def _known_settings(task: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those settings that the task has."""
    known = plugins.find("tasks", task).defaults
    return {name: value for name, value in settings.items() if name in known}


def choose(
    problem: Problem,
    base: Recipe,
    wish: RecipeWish,
    clock: Clock,
    watch: Watch = None,
    groups: np.ndarray | None = None,
) -> Chosen:
    """The recipe to carry out within what is left of the clock.

    Args:
        problem: holds no test item; validation decides.
        base: where to begin; what a person set by hand in it stays.
        groups: Int[rows]; rows of one group are held out together where training rows judge. None has none.
    """
    if wish.own is None and suits(problem, wish.model, wish.assignments):
        recipe, decided = linear_head(problem, base, wish.assignments, groups, clock)
        for one in decided:
            tell(watch, one)
        return Chosen(recipe, recipe.training.steps, decided)
    decisions: list[Decided] = []

    def decide(decided: Decided) -> None:
        decisions.append(decided)
        tell(watch, decided)

    by_hand = {name[8:]: value for name, value in wish.assignments.items() if name.startswith("machine.")}
    recipe, step_seconds, measured = probed(problem, base, by_hand, clock, decide)
    recipe, step_seconds = _dialled(problem, recipe, step_seconds, wish, clock, decide)
    to_come = _passes(problem, recipe, step_seconds, clock)
    recipe = _batched(recipe, step_seconds, wish, clock, decide)
    if is_another(base, recipe):
        recipe = checked(problem, recipe, measured, by_hand, clock, decide)
    if len(problem.valid):
        candidates = _candidates(problem, recipe, wish)
        is_free = "augment" not in wish.assignments
        recipe, winner = _race(problem, candidates, to_come, is_free, clock, decide)
        if is_free:
            recipe = with_safe(problem, recipe, winner, to_come, decide)
        views = wish.assignments.get("training.views", recipe.training.views)
        recipe = replace(recipe, training=replace(recipe.training, views=views))
    enough = usual(list(problem.modality.values()), len(problem.train))
    steps = max(enough.most_passes * problem_steps(problem, recipe), enough.fewest_steps)
    most = wish.assignments.get("training.steps", steps)
    return Chosen(replace(recipe, training=replace(recipe.training, steps=int(most))), int(most), tuple(decisions))


def problem_steps(problem: Problem, recipe: Recipe) -> int:
    """Updates in one pass over the training items."""
    return max(1, len(problem.train) // max(1, min(recipe.training.batch_size or 10**9, len(problem.train))))


def _dialled(
    problem: Problem, recipe: Recipe, step_seconds: float, wish: RecipeWish, clock: Clock, decide: Any
) -> tuple[Recipe, float]:
    """The network's size, the largest whose training fits; and what an update takes then, about. A size that was set by
    hand stays."""
    if recipe.model.name == OWN or _sizes(problem, recipe, wish.assignments.keys() - set(wish.least)):
        return recipe, step_seconds
    least = _least_dial(problem, recipe, _sizes(problem, recipe, wish.least))
    if least:
        step_seconds /= least**DIAL_EXPONENT  # what was measured has that size
    seconds = _training_seconds(recipe, clock)
    wanted = PASSES_WANTED * problem_steps(problem, recipe) * step_seconds
    affordable = [dial for dial in DIALS if dial**DIAL_EXPONENT * wanted <= seconds]
    dial = max(affordable, default=DIALS[0])
    passes = _passes(problem, recipe, dial**DIAL_EXPONENT * step_seconds, clock)
    if passes < FAIR_PASSES and passes * len(problem.train) / SMALLEST_BATCH < HARDLY_BEGUN:
        dial = SMALLEST_DIAL
    # Few items are learned by heart by a large network, however much time there is.
    dial = max(least, min(dial, 1.0 if len(problem.train) < 20_000 else DIALS[-1]))
    sized = {column: _sized(encoder_of(recipe, column), dial, shape) for column, shape in problem.shape.items()}
    enough = usual(list(problem.modality.values()), len(problem.train))
    most = max(enough.most_passes, enough.fewest_steps / problem_steps(problem, recipe))
    passes = min(_passes(problem, recipe, dial**DIAL_EXPONENT * step_seconds, clock), most)
    why = f"each of {many(len(problem.train), 'item')} can be seen about {passes:.0f} times in {seconds:.0f} s"
    if dial == least:
        why += ", and one as large has helped"
    settings = {column: dict(choice.settings) for column, choice in sized.items()}
    shown = " + ".join(dict.fromkeys(choice.name for choice in sized.values()))
    evidence = {"dial": dial, "settings": settings if len(settings) > 1 else next(iter(settings.values()))}
    decide(Decided("size", f"{shown}, dial {dial:g}", why, evidence))
    if recipe.encoders:
        recipe = replace(recipe, encoders=sized)
    else:
        recipe = replace(recipe, model=next(iter(sized.values())))
    return recipe, dial**DIAL_EXPONENT * step_seconds


def _sizes(problem: Problem, recipe: Recipe, assigned: Collection[str]) -> list[tuple[str, str]]:
    """(input, setting) of each size of a network that is among these dotted keys."""
    places = {column: f"encoders.{column}" if column in recipe.encoders else "model" for column in problem.shape}
    return [
        (column, setting)
        for column, shape in problem.shape.items()
        for setting in _of_size(encoder_of(recipe, column).name, shape)
        if f"{places[column]}.{setting}" in assigned
    ]


def _least_dial(problem: Problem, recipe: Recipe, sizes: Sequence[tuple[str, str]]) -> float:
    """The dial from which on no network is smaller than these settings of the recipe, to a factor of two; 0 where there
    are none."""
    dial = SMALLEST_DIAL if sizes else 0.0
    for column, setting in sizes:
        choice = encoder_of(recipe, column)
        while dial < LARGEST_DIAL and _at(choice, dial, problem.shape[column])[setting] < choice.settings[setting]:
            dial *= 2
    return dial


def _of_size(name: str, shape: tuple[int, ...]) -> list[str]:
    """The settings that a network's size consists of: those that a dial moves."""
    small, large = (_at(Choice(name), dial, shape) for dial in (DIALS[0], DIALS[-1]))
    return [setting for setting, value in small.items() if value != large[setting]]


def _at(choice: Choice, dial: float, shape: tuple[int, ...]) -> dict[str, Any]:
    """The settings of a network at a dial, every other one as it is by default."""
    return dict(vars(plugins.load("models", choice.name).sized(dial, shape)))


def _passes(problem: Problem, recipe: Recipe, step_seconds: float, clock: Clock) -> float:
    """How often a training sees each item, about."""
    return _training_seconds(recipe, clock) / step_seconds / problem_steps(problem, recipe)


def _training_seconds(recipe: Recipe, clock: Clock) -> float:
    """What is left for one training, of those that the folds ask for."""
    trainings = recipe.split.folds + 1 if recipe.split.folds else 1
    return TRAINING_SHARE * clock.left / trainings


def _batched(recipe: Recipe, step_seconds: float, wish: RecipeWish, clock: Clock, decide: Any) -> Recipe:
    """The batch halved until the time allows enough updates; the rate follows its root, as noise in gradients does.

    Source: S. Malladi et al., On the SDEs and Scaling Rules for Adaptive Gradient Algorithms, 2022.
    """
    whole = batch = recipe.training.batch_size
    rate = recipe.optimiser.settings.get("rate")
    is_by_hand = not {"training.batch_size", "optimiser", "optimiser.rate"}.isdisjoint(wish.assignments)
    if is_by_hand or rate is None or not whole:
        return recipe
    items = _training_seconds(recipe, clock) / step_seconds * whole
    while batch > SMALLEST_BATCH and items / batch < FEWEST_UPDATES:
        batch = max(SMALLEST_BATCH, batch // 2)
    if batch == whole:
        return recipe
    why = f"the time allows {many(int(items / whole), 'update')} of {whole} items, and {int(items / batch):,} of these"
    decide(Decided("batch", many(batch, "item"), why))
    settings = {**recipe.optimiser.settings, "rate": rate * math.sqrt(batch / whole)}
    optimiser = replace(recipe.optimiser, settings=settings)
    return replace(recipe, optimiser=optimiser, training=replace(recipe.training, batch_size=batch))


def _sized(choice: Choice, dial: float, shape: tuple[int, ...]) -> Choice:
    """A network at a dial; what else was set of it stays."""
    sized = _at(choice, dial, shape)
    size = {setting: sized[setting] for setting in _of_size(choice.name, shape)}
    return Choice(choice.name, {**sized, **choice.settings, **size})


def _candidates(problem: Problem, recipe: Recipe, wish: RecipeWish) -> list[Recipe]:
    # A setting by hand is of the network that it was checked against; no other one has it.
    is_by_hand = any(key.split(".")[0] == "model" for key in wish.assignments)
    if recipe.model.name == OWN or wish.model or is_by_hand or len(problem.shape) > 1:
        return [recipe]
    ((column, shape),) = problem.shape.items()
    if recipe.model.name == usual([problem.modality[column]], len(problem.train)).model:
        return [recipe]
    others = plugins.load("modalities", problem.modality[column]).MODELS[1:CANDIDATES]
    return [recipe, *(replace(recipe, model=_sized(Choice(name), 1.0, shape).filled("models")) for name in others)]


def _race(
    problem: Problem, candidates: Sequence[Recipe], to_come: float, is_free: bool, clock: Clock, decide: Any
) -> tuple[Recipe, Trained]:
    """Train every candidate for the same short while, each on a schedule of its own that falls to zero.

    Args:
        to_come: how often the training after it will see each item, about.
        is_free: whether the winner will be asked which augmentations suit, and so meets none of those.
    """
    seconds = RACE_SHARE * clock.limit_seconds
    entrants: list[tuple[Recipe, Trained]] = []
    not_finite: engine.NotFiniteError | None = None
    with clock.stage("race"):
        if len(candidates) > 1:
            engine.make_ready(candidates[0], problem, seconds)
        for recipe in candidates:
            steps = max(FEWEST_RACE_STEPS, min(RACE_PASSES * problem_steps(problem, recipe), MOST_RACE_STEPS))
            met = uncompiled(unmet(problem, recipe, to_come) if is_free else recipe)
            short = replace(met, training=replace(recipe.training, steps=steps, evaluations=1, patience=0, views=1))
            try:
                pace = Pace(time.monotonic() + seconds, steps)
                entrants.append((recipe, engine.carry_out(short, problem, pace=pace, is_recorded=False)))
            except engine.NotFiniteError as told:
                not_finite = told
                decide(Decided("network", f"not {recipe.model.name}", "the metric gave no finite number of it"))
                continue
            except RunError:
                decide(Decided("network", f"not {recipe.model.name}", "its short training diverged"))
                continue
            if recipe is not candidates[0] or len(candidates) == 1:
                continue
            passes = total_steps(entrants[0][1].recipe.training) / problem_steps(problem, recipe)
            if passes < FAIR_PASSES <= to_come:
                why = f"it saw the items {passes:.1f} times in {seconds:.1f} s, too few to hold others against it"
                decide(Decided("network", recipe.model.name, f"{why}; the training is longer"))
                return entrants[0]
    if not entrants and not_finite is not None:
        raise not_finite
    if not entrants:
        raise RunError("every network's short training diverged; try a lower rate: --set optimiser.rate=0.001")
    best = max(entrants, key=lambda entrant: -math.inf if entrant[1].best is None else entrant[1].best)
    default, first = entrants[0]
    is_upset = best[0] is not default and default is candidates[0]
    shown = ", ".join(f"{recipe.model.name} {abs(one.best or 0.0):.3f}" for recipe, one in entrants)
    if is_upset and not _is_clear(problem, default, first, best[1]):
        why = f"{many(len(problem.valid), 'validation item')} do not tell it from the others after {seconds:.0f} s each"
        decide(Decided("network", default.model.name, f"{why}: {shown}"))
        return default, first
    if len(candidates) > 1:
        decide(Decided("network", best[0].model.name, f"after {seconds:.0f} s each, on validation: {shown}"))
    return best


def _is_clear(problem: Problem, recipe: Recipe, before: Trained, after: Trained) -> bool:
    """Whether a network is better on validation than another by more than `CLEAR_ERRORS` of the difference."""
    task, rows = plugins.load("tasks", recipe.task.name), problem.valid
    metric, truth = task.metric(task.Settings(**recipe.task.settings).metric), problem.truth[rows]
    sides = [
        metric.prepare(truth, task.answer(engine.outputs(one.network, problem.items, rows, format_of(one))))
        for one in (before, after)
    ]

    def gained(weight: np.ndarray) -> float:
        old, new = (metric.combine(side, weight) for side in sides)
        return new - old if metric.is_higher_better else old - new

    groups = None if problem.groups is None else problem.groups[rows]
    unit = units_that_tell(groups, len(rows))
    error = deviation(gained, unit, stream(recipe.seed, "race"))
    return gained(np.ones(len(rows))) > CLEAR_ERRORS * error
