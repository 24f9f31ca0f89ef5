"""Inputs with mean 0 and spread 1 over the training part, in the place of what one's own network asked for."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {
    "unscaled_input": 1.0,
    "exploding_gradient": 0.5,
    "not_learning": 0.5,
    "saturated_units": 0.5,
}
STANDARDISED = "standardised"


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with standardised inputs."""
    if "preprocess" not in recipe.model.settings:
        return NotApplicable("its inputs are standardised already, as those of every network of penjing's")
    return moved(recipe, {"model.preprocess": STANDARDISED}, "its inputs are standardised already")
