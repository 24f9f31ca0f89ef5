"""A person's own network among the parts that every network has: front ends before it, the task's answer behind it."""

from __future__ import annotations

import contextlib
import copy
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from penjing.core import plugins
from penjing.core.errors import UsageError
from penjing.core.recipe import Choice, Recipe
from penjing.models import own
from penjing.models.own import Inside, Own, Settings
from penjing.training._assemble import Network
from penjing.training._own_layers import draw_anew, exchange_activations
from penjing.training._problem import Problem

EXAMPLES = 8  # items that tell what comes out
LOUD = 30.0  # an output that stays between 0 and 1 for inputs so large is held there
SUM_TOLERANCE = 1e-3  # of probabilities, from one
SMALLEST = 1e-7  # of a probability whose logarithm is taken
SENTENCES: Mapping[str, str] = {
    "logits": "its outputs are taken as logits",
    "probabilities": "its outputs are probabilities already, so their logarithms are taken as logits",
    "standardised": "its output is taken as the number in units of the training part's mean and spread",
    "numbers": "its output is taken as the number in its own units",
}


class Reading(nn.Module):
    """Outputs of a person's network as the task has them: logits, or numbers in the target's own units.

    Args:
        task: the task's name.
        gives: see `models.own.Settings`.
        outputs: how many the task has.
        order: for each class of the data, which output it is; None where they stand in that order.
        scale: from standardised numbers to the target's own units; None where it gives those.
    """

    def __init__(
        self, task: str, gives: str, outputs: int, order: Sequence[int] | None, scale: nn.Module | None
    ) -> None:
        super().__init__()
        self.task, self.gives, self.outputs = task, gives, outputs
        self.order, self.scale = None if order is None else list(order), scale

    def forward(self, given: Float[Tensor, "batch given"]) -> Float[Tensor, "batch outputs"]:
        given = given.float()
        if self.task == "regress":
            numbers: Tensor = given if self.scale is None else self.scale(given)
            return numbers
        if given.shape[1] == 1 and self.outputs == 2:
            given = torch.cat([1 - given, given] if self.gives == "probabilities" else [0 * given, given], dim=1)
        if self.order is not None:
            given = given[:, self.order]
        if self.gives != "probabilities":
            return given
        held = given.clamp(SMALLEST, 1 - SMALLEST)
        return held.logit() if self.task == "tag" else held.log()


def assemble_whole(recipe: Recipe, problem: Problem) -> Network:
    """The network of a recipe whose model is a person's own, with the weights that it has.

    Raises:
        UsageError: it is not at hand, or does not take what the data give.
    """
    if recipe.training.border:
        raise UsageError("training.border is for penjing's networks; your own sees the pictures as you give them")
    asked, task = Settings(**recipe.model.settings), recipe.task.name
    inside = _inside(module_of(recipe.model, problem.own, recipe.seed), problem, asked.preprocess, recipe.seed)
    if asked.activation:
        exchange_activations(inside, _made_up(problem, asked.preprocess), asked.activation)
    if asked.begins != "given":
        draw_anew(inside.module, asked.begins, recipe.seed)
    scale = None
    if asked.gives == "standardised":
        settings = plugins.load("tasks", task).Settings(**recipe.task.settings)
        scale = _half("tasks", task, "head").Head(1, 1, problem.learned_target, settings).scale
    reading = Reading(task, asked.gives, len(problem.classes), _order(asked.names, problem.classes), scale)
    parts = {column: nn.Identity() for column in problem.modality}
    pictures = tuple(column for column, modality in problem.modality.items() if modality == "image")
    views = pictures if recipe.training.views == 2 else ()
    return Network(_front_ends(asked.preprocess, problem), parts, reading, inside, mirrored=views)


def module_of(choice: Choice, given: Own | None, seed: int) -> nn.Module:
    """A copy of the network that a recipe means: the object that was given, or else the one made from its source.

    Raises:
        UsageError: neither is there.
    """
    if given is not None:
        return _copied(given.module)
    source = str(choice.settings.get("source", ""))
    if not choice.settings.get("kind", ""):  # asked for by name
        own.build((), Settings())
    if not source:
        raise UsageError(
            f"the network is your own ({choice.settings.get('kind', '')}), and only the object itself is it: give it "
            "with model=, as in pj.predict(run, inputs, model=my_module)"
        )
    try:
        return _copied(own.make(source, seed))
    except UsageError as problem:
        problem.add_note("or give the network itself, with model= from Python")
        raise


def _copied(module: nn.Module) -> nn.Module:
    """A copy on the processor, wherever the network lies: the items that it is asked about at first lie there."""
    from penjing.keras import Wrapped, is_keras

    try:
        found = copy.deepcopy(Wrapped(module) if is_keras(module) else module)
        return found if _devices(found) <= {"cpu"} else found.to("cpu")
    except Exception as problem:
        raise UsageError(
            f"the network ({type(module).__qualname__}) cannot be copied ({problem}); name a function that makes it: "
            'model="file.py:function"'
        ) from problem


def _devices(module: nn.Module) -> set[str]:
    return {value.device.type for value in (*module.parameters(), *module.buffers())}


def _inside(module: nn.Module, problem: Problem, preprocess: str, seed: int) -> Inside:
    """The network where the inputs meet, its layers that wait for a first input built."""
    inside = Inside(module, list(problem.modality))
    is_waiting = getattr(module, "is_unbuilt", lambda: _is_lazy(module))
    if is_waiting():
        with own.drawing(seed), torch.no_grad():
            ask(inside.eval(), _made_up(problem, preprocess), problem)
    return inside.train()


def _is_lazy(module: nn.Module) -> bool:
    return any(isinstance(value, nn.parameter.UninitializedParameter) for value in module.parameters())


def _made_up(problem: Problem, preprocess: str) -> list[Tensor]:
    """Two items of nothing, as front ends give them."""
    found = []
    for column, modality in problem.modality.items():
        shape = tuple(problem.shape[column])
        if modality == "table" and preprocess == "raw":
            shape = (len(problem.learned[column]["columns"]),)
        if plugins.load("modalities", modality).GIVES == "tokens":
            found.append(torch.zeros(2, shape[0], dtype=torch.int64))
        else:
            found.append(torch.zeros(2, *shape))
    return found


def ask(inside: Inside, values: Sequence[Tensor], problem: Problem) -> Tensor:
    """What comes out for some items, one tensor for each input.

    Raises:
        UsageError: it does not take them, or what comes out is no tensor.
    """
    try:
        found = inside(values, {})
    except Exception as fault:
        pairs = zip(problem.modality, values, strict=True)
        shown = ", ".join(f"{column} {list(value.shape)}" for column, value in pairs)
        lines = str(fault).strip().splitlines() or [type(fault).__name__]
        raise UsageError(f"the network does not take what the data give ({shown}): {lines[0]}") from fault
    if not isinstance(found, Tensor):
        raise UsageError(f"the network gives a {type(found).__name__}; expected one tensor [batch, outputs]")
    return found


def _front_ends(preprocess: str, problem: Problem) -> dict[str, nn.Module]:
    """What stands before the network for each input.

    Raises:
        UsageError: there is no such preprocessing, or not for these inputs.
    """
    if preprocess not in own.PREPROCESS:
        raise UsageError(f'preprocess="{preprocess}" is none of {", ".join(own.PREPROCESS)}')
    found: dict[str, nn.Module] = {}
    for column, modality in problem.modality.items():
        if preprocess != "standardised" and modality == "image":
            found[column] = own.Pixels(preprocess, problem.shape[column][0])
        elif preprocess == "raw" and modality == "table":
            found[column] = own.Cells()
    if preprocess != "standardised" and not found:
        listed = ", ".join(f"{column} ({modality})" for column, modality in problem.modality.items())
        raise UsageError(
            f'preprocess="{preprocess}" is for pictures (and "raw" for tables), and the inputs are {listed}'
        )
    for column, modality in problem.modality.items():
        if column not in found:
            found[column] = _half("modalities", modality, "front_end").FrontEnd(problem.learned[column])
    return found


def _half(kind: str, name: str, half: str) -> Any:
    plugin = plugins.load(kind, name)
    return importlib.import_module(f"{plugin.__name__}.{half}") if hasattr(plugin, "__path__") else plugin


def _order(names: Sequence[str], classes: Sequence[str]) -> list[int] | None:
    """For each class, which output it is; None where they stand in the classes' order.

    Raises:
        UsageError: the outputs are not named as the classes are.
    """
    if not names:
        return None
    if sorted(names) != sorted(classes):
        listed = ", ".join(names)
        raise UsageError(f"the outputs are named {listed}, and the data have {', '.join(classes)}; name each once")
    return [list(names).index(one) for one in classes]


@torch.no_grad()
def described(given: Own, problem: Problem, task: str, seed: int) -> Choice:
    """The recipe's choice for a person's network: how its outputs are read is seen from what it makes of some items.

    Raises:
        UsageError: it does not take what the data give, or what comes out does not fit the task.
    """
    _order(given.names, problem.classes)
    inside = _inside(module_of(Choice(own.NAME), given, seed), problem, given.preprocess, seed)
    weights = own.hash_of(inside.module.state_dict())
    real = _real(problem, given.preprocess)
    outputs = ask(inside.eval(), real, problem)
    _check_shape(outputs, len(real[0]), problem.classes, task)
    _check_finite(outputs)
    loud = [value * LOUD if value.is_floating_point() else value for value in real]
    seen = [outputs, ask(_louder(inside), real, problem)]
    with contextlib.suppress(UsageError):  # numbers that are looked up in a table of the network have no louder ones
        seen.append(ask(inside, loud, problem))
    seen = [one for one in seen if one.isfinite().all()]
    gives = _gives(torch.cat(seen).float(), task, given.is_trained)
    kind = f"{type(given.module).__module__}.{type(given.module).__qualname__}"
    return Choice(own.NAME, asdict(Settings(given.source, kind, weights, given.preprocess, gives, given.names)))


def _louder(inside: Inside) -> Inside:
    """A copy whose last layer says all much louder: tokens, and what is normalised at once, no input makes loud."""
    found = copy.deepcopy(inside)
    weights = list(found.parameters())
    last = max((place for place, weight in enumerate(weights) if weight.ndim > 1), default=0)
    for weight in weights[last:]:
        if weight.is_floating_point():
            weight.mul_(LOUD**2)
    return found


def _real(problem: Problem, preprocess: str) -> list[Tensor]:
    """Some training items as the network gets them."""
    rows = problem.train[:EXAMPLES] if len(problem.train) else problem.valid[:EXAMPLES]
    batch, parts = problem.items.batch(rows), _front_ends(preprocess, problem)
    found = []
    for column in problem.modality:
        values = batch.inputs[column]
        assert isinstance(values, Tensor)
        found.append(values if column in batch.prepared else parts[column](values))
    return found


def _check_shape(outputs: Tensor, count: int, classes: Sequence[str], task: str) -> None:
    fitting = [[count, len(classes)]] + ([[count, 1]] if task == "classify" and len(classes) == 2 else [])
    if list(outputs.shape) in fitting:
        return
    shown = ", ".join(classes[:10]) + " …" * (len(classes) > 10)
    what = "one number" if task == "regress" else f"one for each of {len(classes)} ({shown})"
    expected = " or ".join(map(str, fitting))
    raise UsageError(f"the network gives {list(outputs.shape)} for {count} items; expected {expected}: {what}")


def _check_finite(outputs: Tensor) -> None:
    bad = int((~outputs.isfinite()).any(dim=1).sum())
    if bad:
        raise UsageError(
            f"the network gives numbers that are not finite (nan or inf) for {bad} of {len(outputs)} items before any "
            "training; look for a logarithm, a root or a division of 0 in it, for weights that are not finite, and "
            'with preprocess="raw" for missing cells, which are nan'
        )


def _gives(outputs: Tensor, task: str, is_trained: bool) -> str:
    """What some outputs, quiet and loud ones, are."""
    if task == "regress":
        return "numbers" if is_trained else "standardised"
    is_within = bool(((outputs >= 0) & (outputs <= 1)).all())
    if task == "classify" and outputs.shape[1] > 1:
        is_within = is_within and bool(((outputs.sum(dim=1) - 1).abs() < SUM_TOLERANCE).all())
    return "probabilities" if is_within else "logits"


def check_weights(recipe: Recipe, problem: Problem, otherwise: str = "leave the recipe out") -> None:
    """Whether training would begin with the weights that a recipe of a person's own network says.

    Args:
        otherwise: what else a person may do, as the end of a sentence.

    Raises:
        UsageError: they are others, so it would not be the same training.
    """
    asked = Settings(**recipe.model.settings)
    inside = _inside(module_of(recipe.model, problem.own, recipe.seed), problem, asked.preprocess, recipe.seed)
    if asked.weights and own.hash_of(inside.module.state_dict()) != asked.weights:
        raise UsageError(
            "the network begins with other weights than those that the recipe was made with, so this would be another "
            f"training; make it as it was made then (torch.manual_seed before it), or {otherwise}"
        )
