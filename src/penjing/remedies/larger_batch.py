"""Four times as many items an update and as many updates as before, so that single batches do not rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable

TREATS: Mapping[str, float] = {"oscillating": 0.7, "small_batch": 1.0, "unstable": 0.5}
TIMES = 4
LARGEST, FEW = 4096, 4  # items


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with larger batches."""
    size = recipe.training.batch_size
    if not size or TIMES * size > LARGEST:
        return NotApplicable("its batches are large")
    return replace(recipe, training=replace(recipe.training, batch_size=TIMES * size))


def stands_out(recipe: Recipe) -> bool:
    """Whether an update sees hardly any items."""
    return 0 < recipe.training.batch_size <= FEW
