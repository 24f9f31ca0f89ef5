"""The network that is usual for the input, at its standard size."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, modalities_of, moved

TREATS: Mapping[str, float] = {
    "vanishing_gradient": 1.0,
    "saturated_units": 0.9,
    "dead_units": 0.8,
    "exploding_gradient": 0.5,
    "underfit": 0.6,
    "not_learning": 0.6,
    "beaten_by_simple": 0.6,
}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with the first network of its input's modality."""
    modalities = modalities_of(recipe)
    if recipe.encoders or len(modalities) != 1:
        return NotApplicable("there is no one network that is usual for its inputs")
    usual = modalities[0].MODELS[0]
    return moved(recipe, {"model": usual}, f"its network is the usual one, {usual}")
