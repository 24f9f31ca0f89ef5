"""Carries out one recipe: assembles the network, trains it, and measures it.

This is the only way weights are made in penjing. `fit`, the trials of `tune` and `treat`, and the fine-tuning
of `shrink` differ in the recipe and the time they hand in, not in the code that trains.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from penjing.batch import Batch
from penjing.core import plugins
from penjing.core.errors import PenjingError, RunError, UsageError, is_of_memory
from penjing.core.events import Watch
from penjing.core.files import read_lines, write_json, write_lines
from penjing.core.recipe import Choice, Machine, Recipe
from penjing.core.run import MET
from penjing.models import own
from penjing.training import _checkpoint
from penjing.training._arithmetic import products, threads
from penjing.training._assemble import Network, initialise, part_names
from penjing.training._device import is_usable
from penjing.training._evaluate import MOST_LOOKED_AT, Inside, evaluate, value_of
from penjing.training._feed import PICTURE, loader_of
from penjing.training._fusion import Fusion
from penjing.training._loader import chunks, spread
from penjing.training._loop import Course, Pace, State, train
from penjing.training._met import met
from penjing.training._mix import Loss, of_both
from penjing.training._names import learn_names, with_names
from penjing.training._probe import Probed, probe
from penjing.training._problem import EVALUATION_BATCH, Problem, features, outputs, torch_half
from penjing.training._step import Supervised
from penjing.training._whole import assemble_whole
from penjing.training._wide import learn_wide, wide_parts

__all__ = [
    "EVALUATION_BATCH",
    "NOTHING_LEARNED",
    "NotFiniteError",
    "Problem",
    "Trained",
    "assemble",
    "carry_out",
    "encoder_of",
    "fastest",
    "features",
    "front_end",
    "loader_of",
    "loss_of",
    "outputs",
    "torch_half",
]


# What a network raises that cannot run with its settings; neither a full disk nor an end of the time is among them.
_FAILURES = (ArithmeticError, LookupError, RuntimeError, ValueError)
# Progress at which a schedule must have a factor: the first step, the middle, and just before the end.
_LOOKED_AT = (0.0, 0.5, math.nextafter(1.0, 0.0))


class NotFiniteError(UsageError):
    """The metric that chooses gave no finite number on the validation items, of a training that did not diverge."""


NOTHING_LEARNED = (RunError, NotFiniteError)  # how a training ends of which nobody would use anything


@dataclass(frozen=True)
class Trained:
    """The outcome of carrying out a recipe.

    Attributes:
        recipe: with the replans that were made.
        network: with the chosen weights, in evaluation mode.
        best: the watched metric on validation, larger being better; None without validation.
        best_step: the update after which the weights were chosen.
        history: one dict per evaluation.
        stalled_seconds: how long the network waited for data.
        is_interrupted: whether a person stopped it; the weights are then the best so far.
    """

    recipe: Recipe
    network: Network
    best: float | None
    best_step: int
    history: list[dict[str, Any]] = field(default_factory=list)
    stalled_seconds: float = 0.0
    is_interrupted: bool = False


def assemble(recipe: Recipe, problem: Problem) -> Network:
    """The recipe's network for a problem, freshly initialised from the recipe's seed; a person's own as it is."""
    task = plugins.load("tasks", recipe.task.name)
    if recipe.model.name == own.NAME:
        return _placed(assemble_whole(recipe, problem), recipe, problem)
    with torch.random.fork_rng(devices=[]):  # building draws weights that `initialise` draws anew
        front_ends = {
            column: front_end(modality, _seen(recipe, problem, column)) for column, modality in problem.modality.items()
        }
        encoders = {column: _encoder(recipe, problem, column) for column in problem.modality}
        widths = {column: int(getattr(encoder, "features")) for column, encoder in encoders.items()}  # noqa: B009 - what models promise
        names = part_names(widths)
        fusion = (
            Fusion({names[column]: width for column, width in widths.items()}, recipe.fusion)
            if len(widths) > 1
            else None
        )
        width = sum(widths.values()) if fusion is None else fusion.features
        head = torch_half(task, "head").Head(
            width, len(problem.classes), problem.learned_target, task.Settings(**recipe.task.settings)
        )
        head = with_names(head, recipe, problem)
        pictures = tuple(column for column, modality in problem.modality.items() if modality == PICTURE)
        mirrored = pictures if recipe.training.views == 2 else ()
        network = Network(front_ends, encoders, head, fusion, wide_parts(recipe, problem), mirrored)
        initialise(network, recipe.seed)
    return _placed(network, recipe, problem)


def _seen(recipe: Recipe, problem: Problem, column: str) -> Mapping[str, Any]:
    """What an input's front end is told: what was learned of it, and how much of a picture is hidden.

    Raises:
        UsageError: a border is to be hidden, and the network is shown no pictures.
    """
    border = recipe.training.border
    if border and PICTURE not in problem.modality.values():
        raise UsageError(
            f"training.border = {border:g} hides the border of pictures, and the network sees none (a pretrained "
            "encoder sees them whole); set it to 0"
        )
    learned = problem.learned[column]
    return {**learned, "border": border} if border and problem.modality[column] == PICTURE else learned


def _placed(network: Network, recipe: Recipe, problem: Problem) -> Network:
    """The network laid out in memory as the recipe says, on its device.

    Raises:
        UsageError: torch cannot use that device here.
    """
    check_device(recipe.machine.device)
    if recipe.machine.layout == "channels_last" and any(len(shape) == 3 for shape in problem.shape.values()):
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.to(torch.device(recipe.machine.device))


def check_device(name: str) -> None:
    """Refuse a recipe's device that is not on this machine.

    Raises:
        UsageError: torch cannot use it here.
    """
    if not is_usable(name):
        raise UsageError(
            f'torch cannot use machine.device = "{name}" on this machine; give --set machine.device=cpu, or a recipe '
            "that says so"
        )


def _check_learns(network: nn.Module) -> None:
    """Refuse a network that nothing can be learned with.

    Raises:
        UsageError: none of its weights learns.
    """
    if not any(weight.requires_grad for weight in network.parameters()):
        raise UsageError(
            "no weight of the network learns: each is frozen (requires_grad is False), or there are none; leave those "
            "that should learn with requires_grad = True, its last layer at least"
        )


def front_end(modality: str, learned: Mapping[str, Any]) -> nn.Module:
    """A modality's front end, with what it learned on the training part."""
    module: nn.Module = torch_half(plugins.load("modalities", modality), "front_end").FrontEnd(learned)
    return module


def encoder_of(recipe: Recipe, column: str) -> Choice:
    """The network that the recipe has for an input."""
    return recipe.encoders.get(column, recipe.model)


def _encoder(recipe: Recipe, problem: Problem, column: str) -> nn.Module:
    """The network of one input.

    Raises:
        UsageError: it takes something else than the input's modality gives, or its settings cannot be built.
    """
    choice, modality = encoder_of(recipe, column), plugins.load("modalities", problem.modality[column])
    model = plugins.load("models", choice.name)
    if modality.GIVES not in model.TAKES:
        fitting = [name for name in plugins.names("models") if modality.GIVES in plugins.load("models", name).TAKES]
        raise UsageError(
            f'{choice.name} takes {" or ".join(model.TAKES)}, and the input "{column}" is {problem.modality[column]}, '
            f"which gives {modality.GIVES}; networks that fit: {', '.join(fitting)}"
        )
    with _settings_at_fault(choice):
        encoder: nn.Module = model.build(problem.shape[column], model.Settings(**choice.settings))
    return encoder


def loss_of(recipe: Recipe, problem: Problem) -> Callable[[Tensor, Batch], Tensor]:
    """The recipe's loss: outputs and batch → a scalar."""
    task = plugins.load("tasks", recipe.task.name)
    settings = task.Settings(**recipe.task.settings)
    loss, learned = torch_half(task, "head").loss, problem.learned_target
    plain: Loss = lambda outputs, batch: loss(outputs, batch, settings, learned)  # noqa: E731 - what `of_both` wraps
    return of_both(plain) if recipe.training.mixup or recipe.training.cutmix else plain


def carry_out(
    recipe: Recipe,
    problem: Problem,
    *,
    pace: Pace | None = None,
    folder: Path | None = None,
    start: Mapping[str, Tensor] | None = None,
    watch: Watch = None,
    is_recorded: bool = True,
) -> Trained:
    """Train as the recipe says.

    Args:
        recipe: every choice, defaults filled in.
        problem: what is learned.
        pace: lets the number of steps follow a deadline; None takes exactly the recipe's.
        folder: a run folder that receives `record.jsonl`, `inputs.json` and checkpoints, and where a checkpoint that is
            there already is continued; None keeps nothing.
        start: weights to begin with instead of fresh ones.
        watch: is told of evaluations.
        is_recorded: whether anybody reads the history: without, evaluations measure the validation part and nothing
            else, which saves a tenth of a short training.

    Ctrl-C keeps the best weights so far, where a folder is given and they have been measured once.

    Raises:
        RunError: the training diverged before it was measured once, the disk is full, or the checkpoint to continue is
            that of another recipe.
        NotFiniteError: the metric that chooses gave no finite number, and the training is sound.
    """
    with threads(recipe.machine.threads), products(recipe.machine.number_format):
        network = _begun(recipe, problem, start)
        step = _supervised(recipe, problem, network)
        loader = loader_of(recipe, problem, network)
        state = State(recipe.training)
        history = _restore(folder, step, state, recipe)
        if folder is not None and not (folder / MET).exists():
            write_json(folder / MET, met(network, problem, _transform(recipe, problem)))
        inside = Inside(recipe, problem, step, loader, history[-1] if history else {}, is_recorded)
        measure = partial(evaluate, recipe, problem, step, folder, history, inside)
        course = Course(step, loader, _factor(recipe.schedule), measure, value_of, is_recorded, step.device)
        keep = partial(_keep, folder, step, recipe) if folder is not None else None
        is_interrupted = False
        try:
            with _encoders_at_fault(recipe, problem):
                train(course, state, pace=pace, keep=keep, watch=watch)
        except KeyboardInterrupt:
            if folder is None or not state.best_weights:
                raise
            is_interrupted = True
    if not state.best_weights:
        _check_metric(recipe, step, history)
        raise RunError(
            "the training diverged: its loss is not a number any more. Try a lower rate: "
            f"--set optimiser.rate={recipe.optimiser.settings.get('rate', 0.001) / 10:g}"
        )
    network.load_state_dict(state.best_weights)
    trained = replace(recipe, training=state.training)
    best = state.best if len(problem.valid) else None
    return Trained(trained, network.eval(), best, state.best_step, history, loader.stalled_seconds, is_interrupted)


def _check_metric(recipe: Recipe, step: Supervised, history: Sequence[Mapping[str, Any]]) -> None:
    """Tell a metric that gives no finite number from a training that diverged.

    Raises:
        NotFiniteError: weights and losses are finite, and the metric was not.
    """
    last, task = history[-1] if history else {}, plugins.load("tasks", recipe.task.name)
    name = task.metric(task.Settings(**recipe.task.settings).metric).name
    are_losses_sound = last.get("train/running_loss") is not None and last.get("valid/loss") is not None
    if are_losses_sound and last.get(f"valid/{name}") is None and step.is_sound():
        raise NotFiniteError(
            f"the metric {name} gave no finite number on the validation items, though the network and its loss "
            "are sound: nothing says which weights are best. Choose by another one with --metric; "
            "one of your own should return a number whatever the items and the answers are, even if a class is missing"
        )


def make_ready(recipe: Recipe, problem: Problem, seconds: float) -> None:
    """What the first training of a problem would do for all that come after it, so that none of several networks that
    are held against each other pays for the others.

    Args:
        seconds: after which no further items go through a costly front end.
    """
    until = time.monotonic() + seconds
    for column in problem.items.prepared:
        for rows in chunks(np.concatenate([problem.valid, problem.train]), EVALUATION_BATCH):
            if time.monotonic() > until:
                break
            problem.items.inputs[column].take(rows)
    learn_wide(assemble(recipe, problem), recipe, problem)


@torch.no_grad()
def _learn_first(network: Network, problem: Problem) -> None:
    """Let encoders that take something from the data before the first step (`learns`) look at training items."""
    rows = spread(problem.train, MOST_LOOKED_AT)
    for column, part in network.columns.items():
        encoder = network.encoder[part]
        if not getattr(encoder, "learns", False):
            continue
        values = torch.from_numpy(problem.items.inputs[column].take(rows)).to(next(network.parameters()).device)
        getattr(encoder, "learn")(values if column in problem.items.prepared else network.prepare(column, values))  # noqa: B009 - what `learns` promises


def fastest(
    recipe: Recipe,
    problem: Problem,
    seconds: float,
    *,
    is_thorough: bool = False,
    among: Sequence[Machine] = (),
) -> tuple[Machine, list[Probed]]:
    """The fastest right way to do the recipe's arithmetic on this machine, and all that were measured; see `probe`.

    Args:
        seconds: of which making network and batch takes half at most: the rest is for measuring, however long that was.
        is_thorough: see `probe`, as for `among`.
    """
    begun = time.monotonic()
    network = assemble(recipe, problem)
    _check_learns(network)
    with products("float32"):  # by which the others are judged
        batch = loader_of(recipe, problem, network).batch_at(0)
        loss, left = loss_of(recipe, problem), max(seconds / 2, seconds - (time.monotonic() - begun))
        with _encoders_at_fault(recipe, problem):
            return probe(network, loss, batch, recipe.machine, left, is_thorough=is_thorough, among=among)


def _begun(recipe: Recipe, problem: Problem, start: Mapping[str, Tensor] | None) -> Network:
    """The network before its first update: from weights that are given, or with what is learned of the items at once.

    Raises:
        RunError: the weights are another network's.
    """
    network = assemble(recipe, problem)
    if start is not None:
        try:
            network.load_state_dict(dict(start))
        except RuntimeError as misfit:
            raise RunError(f"the weights to begin with do not fit the network of the recipe: {misfit}") from misfit
        return network
    learn_wide(network, recipe, problem)
    learn_names(network, recipe, problem)
    _learn_first(network, problem)
    return network


def _transform(recipe: Recipe, problem: Problem) -> str | None:
    """How numbers to predict are learned, once "auto" has chosen; None of other targets."""
    choose = getattr(plugins.load("tasks", recipe.task.name), "choose_transform", None)
    wanted = recipe.task.settings.get("target_transform")
    return None if choose is None or wanted is None else str(choose(wanted, problem.learned_target))


def _supervised(recipe: Recipe, problem: Problem, network: Network) -> Supervised:
    _check_learns(network)
    optimiser = plugins.load("optimisers", recipe.optimiser.name)
    with _settings_at_fault(recipe.optimiser):
        built = optimiser.build(network, optimiser.Settings(**recipe.optimiser.settings))
    return Supervised(
        network,
        loss_of(recipe, problem),
        built,
        recipe.seed,
        recipe.machine.number_format,
        recipe.training.ema,
        recipe.training.clip_norm,
        torch.device(recipe.machine.device),
        recipe.training.teacher,
        _disagreement_of(recipe, problem),
        recipe.machine.compile,
    )


def _disagreement_of(recipe: Recipe, problem: Problem) -> Callable[[Tensor, Tensor], Tensor]:
    """How far a network's outputs are from its teacher's."""
    task = plugins.load("tasks", recipe.task.name)
    settings = task.Settings(**recipe.task.settings)
    disagreement, learned = torch_half(task, "head").disagreement, problem.learned_target
    return lambda outputs, teacher: disagreement(outputs, teacher, settings, learned)


@contextmanager
def _encoders_at_fault(recipe: Recipe, problem: Problem) -> Iterator[None]:
    """Settings with which a network can be built may still let it run on no input. That is looked for where something
    failed only, with two items and a fresh network: a training that works pays nothing for it.

    Raises:
        UsageError: the network of an input cannot run with its settings.
    """
    try:
        yield
    except _FAILURES as failure:
        if recipe.model.name != own.NAME and not is_of_memory(failure):
            with suppress(*_FAILURES):  # else what failed at first is not told
                _run_encoders(replace(recipe, machine=replace(recipe.machine, device="cpu")), problem)
        raise


@torch.no_grad()
def _run_encoders(recipe: Recipe, problem: Problem) -> None:
    """Each input's network on two items, as when it answers, which draws nothing.

    Raises:
        UsageError: one cannot run with its settings.
    """
    network, batch = assemble(recipe, problem).eval(), problem.items.batch(problem.train[:2])
    for column, part in network.columns.items():
        values = batch.inputs[column]
        assert isinstance(values, Tensor)
        seen = values if column in batch.prepared else network.prepare(column, values)
        try:
            network.encoder[part](seen)
        except _FAILURES as failure:
            raise _at_fault(encoder_of(recipe, column), "run", failure) from failure


@contextmanager
def _settings_at_fault(choice: Choice, verb: str = "be built") -> Iterator[None]:
    """Settings of the right type may still be out of range; the plug-in that refuses them knows why.

    Args:
        verb: what cannot be done with them.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # torch only warns of a layer without outputs
            yield
    except PenjingError:
        raise
    except Exception as problem:
        raise _at_fault(choice, verb, problem) from problem


def _at_fault(choice: Choice, verb: str, problem: Exception) -> UsageError:
    """That a plug-in cannot be built or run with its settings, and why."""
    settings = ", ".join(f"{name} = {value}" for name, value in choice.settings.items())
    return UsageError(f"{choice.name} cannot {verb} with {settings}: {problem}")


def _factor(choice: Choice) -> Callable[[float], float]:
    module = plugins.load("schedules", choice.name)
    settings = module.Settings(**choice.settings)
    with _settings_at_fault(choice, "run"):
        for progress in _LOOKED_AT:
            float(module.factor(progress, settings))
    return lambda progress: float(module.factor(progress, settings))


def _keep(folder: Path, step: Supervised, recipe: Recipe, state: State) -> None:
    tensors = {**step.tensors(), **{f"best/{name}": value for name, value in state.best_weights.items()}}
    _checkpoint.save(folder / "checkpoint", tensors, state.facts(), recipe)


def _restore(folder: Path | None, step: Supervised, state: State, recipe: Recipe) -> list[dict[str, Any]]:
    """Continue a folder's checkpoint, if it has one; the lines of the record up to there."""
    found = _checkpoint.load(folder / "checkpoint", recipe) if folder is not None else None
    record = folder / "record.jsonl" if folder is not None else None
    if found is None or record is None:
        if record is not None:
            record.unlink(missing_ok=True)
        return []
    tensors, facts = found
    step.restore(tensors)
    best = {name[5:]: value for name, value in tensors.items() if name.startswith("best/")}
    state.restore(facts, best, step.device)
    lines = [line for line in read_lines(record) if line["step"] <= state.step]
    write_lines(record, lines)
    return lines
