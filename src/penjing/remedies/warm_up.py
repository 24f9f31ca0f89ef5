"""A rate that rises from near nothing to its peak and falls to zero, so that the first updates cannot do harm.

Source: L. N. Smith, N. Topin, Super-convergence, 2018.
"""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {
    "oscillating": 0.9,
    "diverged": 0.4,
    "exploding_gradient": 0.4,
    "dead_units": 0.4,
    "unstable": 0.6,
}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with one rise and one fall of the rate."""
    if recipe.optimiser.name == "lbfgs":
        return NotApplicable("the optimiser lbfgs searches how far it goes")
    if recipe.schedule.name == "one_cycle":
        return NotApplicable("its rate already rises and falls once")
    return moved(recipe, {"schedule": "one_cycle"}, "")
