"""Weights that are not pulled towards zero."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {"underfit": 0.7, "not_learning": 0.4, "vanishing_gradient": 0.3}
MUCH = 0.01  # of a weight, at each update


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe without decay."""
    if not recipe.optimiser.settings.get("weight_decay"):
        return NotApplicable("its weights are not pulled towards zero")
    return moved(recipe, {"optimiser.weight_decay": 0.0}, "")


def stands_out(recipe: Recipe) -> bool:
    """Whether an update takes a good part of the weights away."""
    settings = recipe.optimiser.settings
    return float(settings.get("weight_decay") or 0.0) * float(settings.get("rate") or 0.0) > MUCH
