"""Three times as many updates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable

TREATS: Mapping[str, float] = {
    "stopped_early": 1.0,
    "crawling": 0.8,
    # What costs three times the time comes after what costs nothing.
    "underfit": 0.55,
    "not_learning": 0.3,
    "beaten_by_simple": 0.3,
}
TIMES = 3


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with more updates."""
    if recipe.optimiser.name == "lbfgs":
        return NotApplicable("the optimiser lbfgs stops where there is nothing left to gain")
    return replace(recipe, training=replace(recipe.training, steps=TIMES * recipe.training.steps, replans=()))
