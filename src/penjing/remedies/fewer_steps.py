"""Half as many updates, with a schedule that ends there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable

TREATS: Mapping[str, float] = {"overfit": 0.5, "trained_long": 0.9}
FEWEST = 20


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with fewer updates."""
    if recipe.training.steps < 2 * FEWEST:
        return NotApplicable(f"it takes {recipe.training.steps} updates only")
    return replace(recipe, training=replace(recipe.training, steps=recipe.training.steps // 2, replans=()))
