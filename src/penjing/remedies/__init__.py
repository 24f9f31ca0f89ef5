"""What may help against a trouble, one remedy a file.

A remedy is a file here with `TREATS`, the findings that it may help against, each with how promising it is beside the
other remedies (0 to 1, a guess that decides only what is tried first), and `apply(recipe, finding)`, which gives
another recipe, or NotApplicable with the reason. Where it has `stands_out(recipe)`, that says whether the choice that
it would move is far from what is usual; it is then tried before what is not.

A remedy is a pure function. It trains nothing, reads nothing but its arguments, and moves only knobs that a recipe has;
whether it helped is measured by `treat`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from penjing.core import plugins
from penjing.core.finding import Finding
from penjing.core.recipe import Choice, Recipe, change
from penjing.core.usual import Usual

VECTORS = "embedding"  # the modality of what an encoder gives


@dataclass(frozen=True)
class NotApplicable:
    """A remedy that has nothing to move in a recipe.

    Attributes:
        reason: why, as the end of a sentence: "the optimiser lbfgs has no rate".
    """

    reason: str


@dataclass(frozen=True)
class Suited:
    """A remedy that may help against a finding.

    Attributes:
        name: the remedy's.
        finding: what it is to treat.
        promise: how promising it is, 0 to 1; `STANDS_OUT` more where it moves what is far from usual.
    """

    name: str
    finding: Finding
    promise: float


STANDS_OUT = 1.0  # what a remedy promises more where what it moves is far from usual


def suited(findings: list[Finding], recipe: Recipe | None = None) -> list[Suited]:
    """The remedies that treat these findings, the most promising first, each for the finding it promises most for.

    Args:
        recipe: of the training; what stands out in it is moved first. None ranks by the findings alone.
    """
    found: dict[str, Suited] = {}
    for name in plugins.names("remedies"):
        remedy = plugins.load("remedies", name)
        treats: Mapping[str, float] = remedy.TREATS
        stands_out = recipe is not None and hasattr(remedy, "stands_out") and remedy.stands_out(recipe)
        for finding in findings:
            promise = treats.get(finding.name, 0.0)
            if promise > found.get(name, Suited(name, finding, 0.0)).promise - STANDS_OUT * stands_out and promise:
                found[name] = Suited(name, finding, promise + STANDS_OUT * stands_out)
    return sorted(found.values(), key=lambda one: -one.promise)


# ---- what remedies share


def moved(recipe: Recipe, assignments: Mapping[str, Any], otherwise: str) -> Recipe | NotApplicable:
    """The recipe with these choices, or NotApplicable where that changes nothing."""
    other = change(recipe, assignments)
    return NotApplicable(otherwise) if other == recipe else other


def networks(recipe: Recipe) -> dict[str, Mapping[str, Any]]:
    """Where a recipe sets the network of each input, as a dotted key → its settings."""
    if not recipe.encoders:
        return {"model": recipe.model.settings}
    return {f"encoders.{column}": choice.settings for column, choice in recipe.encoders.items()}


def resized(
    recipe: Recipe, setting: str, to: Callable[[Any], Any], otherwise: str, *, and_fusion: bool = False
) -> Recipe | NotApplicable:
    """The recipe with one setting of every network that has it moved, and that of the fusion where inputs are joined.

    Args:
        setting: such as "width".
        to: its value → the new one.
        otherwise: why this may change nothing.
        and_fusion: whether the fusion has the setting too.
    """
    assignments = {
        f"{key}.{setting}": to(settings[setting]) for key, settings in networks(recipe).items() if setting in settings
    }
    if and_fusion and recipe.encoders:
        assignments[f"fusion.{setting}"] = to(getattr(recipe.fusion, setting))
    return moved(recipe, assignments, otherwise)


def modalities_of(recipe: Recipe) -> list[Any]:
    """The modalities of a recipe's inputs, told by the networks that are theirs; none for a person's own network."""
    return [plugins.load("modalities", name) for name in modality_names(recipe)]


def modality_names(recipe: Recipe) -> list[str]:
    """The same by their names. A network that is of several is one of vectors where an encoder gives these."""
    found: set[str] = set()
    for column, choice in (recipe.encoders or {"": recipe.model}).items():
        is_encoded = column in recipe.pretrained if column else bool(recipe.pretrained)
        named = [name for name in plugins.names("modalities") if choice.name in _networks_of(name)]
        found.update(named if len(named) < 2 else [name for name in named if (name == VECTORS) == is_encoded])
    return [name for name in plugins.names("modalities") if name in found]


def _networks_of(modality: str) -> set[str]:
    loaded = plugins.load("modalities", modality)
    return {*getattr(loaded, "MODELS", ()), *getattr(loaded, "FURTHER", ())}


def as_usual(task: Choice, begin: Usual) -> Choice:
    """The task with its usual loss and smoothing; the metric and the weights of classes are a person's."""
    defaults = plugins.find("tasks", task.name).defaults
    known: dict[str, Any] = {
        name: begin.task.get(name, defaults[name]) for name in ("loss", "label_smoothing") if name in defaults
    }
    return replace(task, settings={**task.settings, **known})


def mixing(recipe: Recipe, choice: str, strength: float, mixed: Sequence[str]) -> Recipe | NotApplicable:
    """The recipe whose items are mixed while training, if all of its inputs can be and they are not mixed yet.

    Args:
        choice: of the training: "mixup" or "cutmix".
        strength: its value.
        mixed: what a modality must give for its items to be mixed so.
    """
    names = modality_names(recipe)
    known = {network for name in names for network in _networks_of(name)}
    are_all_known = all(encoder.name in known for encoder in recipe.encoders.values())
    if not names or not are_all_known or not {plugins.load("modalities", name).GIVES for name in names} <= set(mixed):
        return NotApplicable("its inputs cannot be mixed")
    if recipe.optimiser.name == "lbfgs":
        return NotApplicable("it learns from all items at once")
    if recipe.training.mixup or recipe.training.cutmix:
        return NotApplicable("its items are mixed already")
    return moved(recipe, {f"training.{choice}": strength}, "")
