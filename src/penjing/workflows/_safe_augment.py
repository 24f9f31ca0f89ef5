"""Which augmentations suit these pictures, as a network says that never met them.

A network that was trained for a moment without an augmentation is asked about pictures as they are and as the
augmentation makes them. If it knows both about as well, what changes means nothing here, and changing it is safe.
If it knows shifted pictures less well, these are all framed alike: shifting them keeps their labels, but a network that
sees each only a few times learns places that never occur instead of what does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import nn

from penjing.core import plugins
from penjing.core.events import Decided
from penjing.core.recipe import Choice, Recipe
from penjing.core.record import MOST_MEASURED
from penjing.core.report.text import many
from penjing.modalities._levels import LEVELS
from penjing.training import engine
from penjing.training._loader import Values, spread
from penjing.training.engine import Problem, Trained

# What may be lost: of its accuracy above chance in another light, of its accuracy for a class that is mirrored.
LARGEST_LOSS = 0.15
# Mirrored pictures must be known so of classes with half of the items: of clothes five to nine of ten hold, all but the
# shoes and what a network knows little of; of digits 0, 1 and 8. And of no two classes may more than half be taken for
# the other.
LEAST_HELD, EXCHANGED = 0.5, 0.5
FEWEST_EXCHANGED = 5  # items of each of two such classes: of fewer a majority is chance
LEAST_LEFT = 0.5  # of its accuracy above that of the commonest class, over all mirrored pictures
FEWEST_TO_JUDGE = 20
KNOWN_ERRORS = 2.0  # standard errors above chance, from which on a network knows something
# Of fewer items each is seen so often that it is learned by heart, unless it looks otherwise each time.
FEW, FEWEST_PASSES = 20_000, 30
# Pictures that are framed alike are not shifted where each is seen less often than this (docs/tried.md: few passes).
# Of what it knows a network loses 0.13 to 0.16 on shifted clothes and 0.01 to 0.03 on shifted photos.
FEWEST_SHIFTED, LARGEST_SHIFTED_LOSS = 16, 0.06
SHIFT = "crop"
TINY = 1e-3  # nats: what a network knows at least, for a share of it
COLOURS = 3  # channels


def unmet(problem: Problem, recipe: Recipe, passes: float) -> Recipe:
    """What a witness is trained by: the recipe without what `with_safe` will ask it about."""
    if not _asks(problem, recipe) or passes >= FEWEST_SHIFTED:
        return recipe
    return replace(recipe, augment=tuple(one for one in recipe.augment if one.name != SHIFT))


def with_safe(problem: Problem, recipe: Recipe, winner: Trained, passes: float, decide: Any) -> Recipe:
    """The recipe with the augmentations of pictures that are safe here, before its own, and without shifts that do not
    pay; any other recipe as it is.

    Args:
        problem: holds no test item.
        recipe: whose augmentations are not a person's choice.
        winner: a network of what `unmet` makes of it.
        passes: how often the training will see each item, about.
        decide: is told what was decided.
    """
    if not _asks(problem, recipe):
        return recipe
    witness = Witness(problem, winner)
    ((column, shape),) = problem.shape.items()
    shifts = [one for one in recipe.augment if one.name == SHIFT and passes < FEWEST_SHIFTED]
    for one in shifts:
        is_framed, why = witness.framed(column, one)
        seen = f"; the training sees each item about {passes:.0f} times" if is_framed else ""
        decide(Decided("shifting", "no" if is_framed else "yes", why + seen))
        if is_framed:
            recipe = replace(recipe, augment=tuple(other for other in recipe.augment if other is not one))
    has_colour = shape[0] == COLOURS and len(problem.train) <= FEW and passes >= FEWEST_PASSES
    relit = witness.relit(column) if has_colour else None
    found = []
    for name, what, asked in (("flip", "mirroring", witness.mirrored(column)), ("colour", "another light", relit)):
        if asked is not None:
            is_safe, why = asked
            decide(Decided(what, "yes" if is_safe else "no", why))
            found += [Choice(name).filled("augmentations")] if is_safe else []
    views = 2 if any(one.name == "flip" for one in found) else recipe.training.views
    return replace(recipe, augment=(*found, *recipe.augment), training=replace(recipe.training, views=views))


def _asks(problem: Problem, recipe: Recipe) -> bool:
    """Whether these are pictures to classify and nothing beside."""
    return list(problem.modality.values()) == ["image"] and recipe.task.name == "classify"


class Witness:
    """A network that never met an augmentation, asked about pictures as they are and as that changes them.

    Args:
        problem: whose pictures are its only input.
        winner: the network.
    """

    def __init__(self, problem: Problem, winner: Trained) -> None:
        self._problem, self._winner = problem, winner
        self._rows = spread(problem.valid, MOST_MEASURED)
        self._truth = problem.truth[self._rows]
        self._said = self._outputs(problem, self._rows) if len(self._rows) else np.zeros((0, len(problem.classes)))
        self._given = self._said.argmax(1)
        self._plain = float((self._given == self._truth).mean()) if len(self._rows) else 0.0

    def mirrored(self, column: str) -> tuple[bool, str]:
        """Whether left and right mean nothing to most classes, and why.

        The mirror image of an item that was learned from is a new picture to the network, so these are asked about,
        too, where validation items are few a class. A class keeps its label when they are known about as well as plain
        validation pictures are; classes whose mirror images are taken for one another do not.
        """
        if (ignorance := self._ignorance()) is not None:
            return False, ignorance
        rows = np.concatenate([spread(self._problem.train, MOST_MEASURED), self._rows])
        mirrored = self._changed(column, _Mirrored(self._problem.items.inputs[column]))
        told = self._told(self._problem.truth[rows], self._answers(mirrored, rows))
        items, right = told.sum(1), np.diag(told)
        if _exchanged(told, but=self._told(self._truth, self._given)):
            return False, "a network that never saw one takes mirror images of two classes for each other"
        holds = (right >= (1 - LARGEST_LOSS) * self._plain * items) & (items > 0)
        known = f"{int(holds.sum())} of {many(int((items > 0).sum()), 'class', 'classes')}"
        why = f"a network that never saw one knows mirror images of {known} as well as plain pictures"
        # where all is taken for the commonest class, that class alone would hold
        left = (right.sum() - items.max()) / items.sum()
        return bool(items[holds].sum() >= LEAST_HELD * items.sum() and left >= LEAST_LEFT * self._known), why

    def relit(self, column: str) -> tuple[bool, str]:
        """Whether the network knows pictures in another light about as well, and why."""
        if (ignorance := self._ignorance()) is not None:
            return False, ignorance
        share = self._share(self._changed(column, _Relit(self._problem, column)))
        of_plain = f"{self._plain:.3f} of plain ones"
        why = f"a network that never saw it gets {share:.3f} right of pictures so changed and {of_plain}"
        return (self._plain - share) <= LARGEST_LOSS * self._known, why

    def framed(self, column: str, shift: Choice) -> tuple[bool, str]:
        """Whether the network knows shifted pictures less well, for what they show is always in one place; and why."""
        if (ignorance := self._ignorance()) is not None:
            return False, ignorance
        lost = self.lost_by_shifts(column, shift)
        why = f"of what a network that never saw one knows about plain pictures, it loses {lost:.1%} about shifted ones"
        return lost > LARGEST_SHIFTED_LOSS, why

    def lost_by_shifts(self, column: str, shift: Choice) -> float:
        """The share of what it knows that it loses where the pictures are shifted.

        What it knows is by how much its cross-entropy is below that of giving every class the same. Two thousand
        pictures tell that several times as closely as how many of them it is right about.
        """
        shifted = self._changed(column, _Shifted(self._problem.items.inputs[column], shift))
        plain, moved = self._loss(self._said), self._loss(self._outputs(shifted, self._rows))
        return (moved - plain) / max(math.log(len(self._problem.classes)) - plain, TINY)

    def _loss(self, said: Float[np.ndarray, "rows classes"]) -> float:
        """The mean cross-entropy of what it says of validation pictures."""
        truth = torch.from_numpy(self._truth.astype(np.int64))
        return float(nn.functional.cross_entropy(torch.from_numpy(said).float(), truth))

    @property
    def _known(self) -> float:
        """The share of validation pictures that it is right about, above what the commonest class would give."""
        commonest = float(np.bincount(self._truth).max()) / len(self._truth)
        return self._plain - max(1 / len(self._problem.classes), commonest)

    def _ignorance(self) -> str | None:
        """Why it cannot tell; None where it can."""
        count = len(self._rows)
        if count < FEWEST_TO_JUDGE:
            return f"{many(count, 'validation item')} cannot tell whether it keeps the label"
        if self._known <= KNOWN_ERRORS * math.sqrt(self._plain * (1 - self._plain) / count):
            items = many(count, "validation item")
            return f"a network that gets {self._plain:.3f} right of {items} knows too little to tell"
        return None

    def _share(self, changed: Problem) -> float:
        """The share of these validation pictures that it is right about."""
        return float((self._answers(changed, self._rows) == self._truth).mean())

    def _changed(self, column: str, values: Values) -> Problem:
        return replace(self._problem, items=replace(self._problem.items, inputs={column: values}))

    def _told(self, truth: Int[np.ndarray, " rows"], answers: Int[np.ndarray, " rows"]) -> Int[np.ndarray, "c c"]:
        """How many items are of each class and taken for each class."""
        count = len(self._problem.classes)
        return np.bincount(truth * count + answers, minlength=count * count).reshape(count, count)

    def _answers(self, problem: Problem, rows: np.ndarray) -> Int[np.ndarray, " rows"]:
        found: np.ndarray = self._outputs(problem, rows).argmax(1)
        return found

    def _outputs(self, problem: Problem, rows: np.ndarray) -> Float[np.ndarray, "rows classes"]:
        return engine.outputs(self._winner.network, problem.items, rows, format_of(self._winner))


def _exchanged(told: Int[np.ndarray, "classes classes"], but: Int[np.ndarray, "classes classes"]) -> bool:
    """Whether two classes are taken for each other.

    Args:
        told: of changed pictures.
        but: of plain ones; who takes two classes for each other anyway says nothing by doing so.
    """

    def are_taken(found: np.ndarray) -> np.ndarray:
        taken = (found > EXCHANGED * found.sum(1, keepdims=True)) & ~np.eye(len(found), dtype=bool)
        both: np.ndarray = taken & taken.T
        return both

    is_many = told.sum(1) >= FEWEST_EXCHANGED
    return bool((are_taken(told) & ~are_taken(but))[np.ix_(is_many, is_many)].any())


def format_of(trained: Trained) -> str:
    """The number format that a network was trained in, in which it answers as fast."""
    return trained.recipe.machine.number_format


@dataclass(frozen=True)
class _Mirrored:
    """Decoded pictures, left and right exchanged."""

    values: Values

    def take(self, index: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(self.values.take(index)[:, :, ::-1])


@dataclass(frozen=True)
class _Shifted:
    """Decoded pictures, each shifted as it would be while training."""

    values: Values
    shift: Choice

    def take(self, index: np.ndarray) -> np.ndarray:
        pixels = torch.from_numpy(self.values.take(index)).permute(0, 3, 1, 2)
        augmentation = plugins.load("augmentations", self.shift.name)
        draws = torch.Generator().manual_seed(int(index[0]))
        shifted = augmentation.apply(pixels, draws, augmentation.Settings(**self.shift.settings))
        return np.ascontiguousarray(shifted.permute(0, 2, 3, 1).numpy())


class _Relit:
    """Decoded pictures, each in a light of its own, as `colour` makes them while training."""

    def __init__(self, problem: Problem, column: str) -> None:
        self._values = problem.items.inputs[column]
        learned: Mapping[str, Any] = problem.learned[column]
        self._mean, self._std = (
            (LEVELS - 1) * torch.tensor(learned[name]).view(1, -1, 1, 1) for name in ("mean", "std")
        )
        self._colour = plugins.load("augmentations", "colour")

    def take(self, index: np.ndarray) -> np.ndarray:
        pixels = torch.from_numpy(self._values.take(index)).permute(0, 3, 1, 2).float()
        draws = torch.Generator().manual_seed(int(index[0]))
        maps = self._colour.apply((pixels - self._mean) / self._std, draws, self._colour.Settings())
        relit = (maps * self._std + self._mean).round().clamp(0, LEVELS - 1)
        return np.ascontiguousarray(relit.permute(0, 2, 3, 1).to(torch.uint8).numpy())
