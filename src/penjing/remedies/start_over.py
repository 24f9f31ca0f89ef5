"""The course and the network that `fit` begins with for such inputs, in the place of all that was chosen."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, modality_names
from penjing.remedies._afresh import afresh

# It moves much at once, so it comes after what a finding points at, and before what is tried for want of better.
TREATS: Mapping[str, float] = {
    "diverged": 0.85,
    "oscillating": 0.85,
    "crawling": 0.85,
    "not_learning": 0.85,
    "underfit": 0.85,
    "overfit": 0.65,
    "trained_long": 0.65,
    "exploding_gradient": 0.8,
    "vanishing_gradient": 0.8,
    "dead_units": 0.8,
    "saturated_units": 0.8,
    "small_batch": 0.85,
    "large_batch": 0.85,
    "small_model": 0.8,
    "large_model": 0.7,
    "wrong_loss": 0.8,
    "beaten_by_simple": 0.8,
    "stopped_early": 0.7,
    "unstable": 0.8,
}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with everything as usual but its data, its seed, what is measured and how many updates it may take."""
    modalities = modality_names(recipe)
    if not modalities:
        return NotApplicable("nothing is usual for a network of one's own")
    if recipe.optimiser.name == "lbfgs":
        return NotApplicable("the optimiser lbfgs finds the best there is")
    other = afresh(recipe, modalities)
    return NotApplicable("everything is as usual") if other == recipe else other
