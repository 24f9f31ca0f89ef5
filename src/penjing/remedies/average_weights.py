"""A moving average of the weights over the last twentieth of the updates, which the answers are then given with.

Source: B. T. Polyak, A. B. Juditsky, Acceleration of stochastic approximation by averaging, 1992.
"""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {"oscillating": 0.8, "overfit": 0.2, "unstable": 0.8, "small_batch": 0.5}
SHARE = 20  # one in so many of the updates counts
SHORTEST, LONGEST = 0.8, 0.999


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with an average."""
    if recipe.optimiser.name == "lbfgs":
        return NotApplicable("the optimiser lbfgs finds the best there is")
    if recipe.training.ema:
        return NotApplicable("the weights are averaged already")
    kept = min(LONGEST, max(SHORTEST, 1 - SHARE / recipe.training.steps))
    return moved(recipe, {"training.ema": round(kept, 4)}, "")
