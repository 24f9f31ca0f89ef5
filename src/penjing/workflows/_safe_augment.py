"""Which augmentations keep the labels of these pictures, as a network says that never met them.

A network that was trained for a moment without an augmentation is asked about validation pictures as they are and as
the augmentation makes them. If it knows both about as well, what changes means nothing here, and changing it is safe.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from penjing.core import plugins
from penjing.core.events import Decided
from penjing.core.recipe import Choice, Recipe
from penjing.core.record import MOST_MEASURED
from penjing.core.report.text import many
from penjing.modalities._levels import LEVELS
from penjing.training import engine
from penjing.training._loader import Values, spread
from penjing.training.engine import Problem, Trained

# An augmentation is taken for safe when it costs the network at most this share of its accuracy above chance.
LARGEST_LOSS = 0.15
FEWEST_TO_JUDGE = 20
KNOWN_ERRORS = 2.0  # standard errors above chance, from which on a network knows something
# Of fewer items each is seen so often that it is learned by heart, unless it looks otherwise each time.
FEW, FEWEST_PASSES = 20_000, 30
COLOURS = 3  # channels


def with_safe(problem: Problem, recipe: Recipe, winner: Trained, passes: float, decide: Any) -> Recipe:
    """The recipe with the augmentations of pictures that are safe here, before its own; any other recipe as it is.

    Args:
        problem: holds no test item.
        recipe: whose augmentations are not a person's choice.
        winner: a network of it that met none of them.
        passes: how often the training will see each item, about.
        decide: is told what was decided.
    """
    if list(problem.modality.values()) != ["image"] or recipe.task.name != "classify":
        return recipe
    ((column, shape),) = problem.shape.items()
    has_colour = shape[0] == COLOURS and len(problem.train) <= FEW and passes >= FEWEST_PASSES
    relit = _if_safe("colour", problem, winner, _Relit(problem, column), "another light", decide) if has_colour else ()
    mirror = _if_safe("flip", problem, winner, _Mirrored(problem.items.inputs[column]), "mirroring", decide)
    views = 2 if mirror else recipe.training.views
    return replace(recipe, augment=(*mirror, *relit, *recipe.augment), training=replace(recipe.training, views=views))


def _if_safe(
    name: str, problem: Problem, winner: Trained, changed: Values, what: str, decide: Any
) -> tuple[Choice, ...]:
    """The augmentation, if a network knows the pictures of the only input as changed by it; else none."""
    rows = spread(problem.valid, MOST_MEASURED)
    truth = problem.truth[rows]

    def no(why: str) -> tuple[Choice, ...]:
        decide(Decided(what, "no", why))
        return ()

    if len(rows) < FEWEST_TO_JUDGE:
        return no(f"{many(len(rows), 'validation item')} cannot tell whether it keeps the label")
    (column,) = problem.modality
    plain = _share_right(winner, problem, rows)
    known = plain - max(1 / len(problem.classes), float(np.bincount(truth).max()) / len(rows))
    if known <= KNOWN_ERRORS * math.sqrt(plain * (1 - plain) / len(rows)):
        items = many(len(rows), "validation item")
        return no(f"a network that gets {plain:.3f} right of {items} knows too little to tell")
    other = replace(problem, items=replace(problem.items, inputs={column: changed}))
    share = _share_right(winner, other, rows)
    why = f"a network that never saw it gets {share:.3f} right of pictures so changed and {plain:.3f} of plain ones"
    if (plain - share) / known > LARGEST_LOSS:
        return no(why)
    decide(Decided(what, "yes", why))
    return (Choice(name).filled("augmentations"),)


def _share_right(winner: Trained, problem: Problem, rows: np.ndarray) -> float:
    """Of some rows, the share that a network is right about."""
    answers = engine.outputs(winner.network, problem.items, rows, format_of(winner)).argmax(1)
    return float((answers == problem.truth[rows]).mean())


def format_of(trained: Trained) -> str:
    """The number format that a network was trained in, in which it answers as fast."""
    return trained.recipe.machine.number_format


@dataclass(frozen=True)
class _Mirrored:
    """Decoded pictures, left and right exchanged."""

    values: Values

    def take(self, index: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(self.values.take(index)[:, :, ::-1])


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
