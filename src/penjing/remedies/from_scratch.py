"""A network that learns from the input itself, in the place of what one that was trained elsewhere sees in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.pretrained import reads
from penjing.remedies import NotApplicable
from penjing.remedies._afresh import afresh

# The way back from `pretrained_features`: always behind it, since it has nothing to move before.
TREATS: Mapping[str, float] = {
    "few_examples": 0.5,
    "overfit": 0.5,
    "beaten_by_simple": 0.5,
    "not_learning": 0.5,
    "underfit": 0.5,
    "unstable": 0.4,
    "small_model": 0.45,
}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with its only input as it is, and all that `fit` would begin with for that."""
    if not recipe.pretrained:
        return NotApplicable("its inputs are not seen through a pretrained encoder")
    if len(recipe.data.inputs) != 1:
        return NotApplicable("it is not a network of one input")
    (encoder,) = recipe.pretrained.values()
    read = reads(encoder)
    return afresh(replace(recipe, pretrained={}), read)
