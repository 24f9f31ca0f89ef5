"""Weights pulled towards zero four times as strongly, or at all."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {"overfit": 0.7}
USUAL = {"sgd": 5e-4}  # where there was none; other optimisers multiply the decay by the rate
OTHERWISE = 0.05


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with more decay."""
    decay = recipe.optimiser.settings.get("weight_decay")
    if decay is None:
        return NotApplicable(f"the optimiser {recipe.optimiser.name} has no weight decay")
    name = recipe.optimiser.name
    return moved(recipe, {"optimiser.weight_decay": 4 * decay if decay else USUAL.get(name, OTHERWISE)}, "")
