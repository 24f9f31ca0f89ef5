"""A teacher: the moving average of the network's own weights, whose answers it learns beside the labels."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {
    "label_errors": 0.7,
    "overfit": 0.55,
    "unstable": 0.6,
    "few_examples": 0.5,
    "miscalibrated": 0.4,
    "trained_long": 0.4,
}
SHARE, LEAST_EMA = 0.5, 0.98


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe in which half of what is learned comes from the teacher."""
    if recipe.optimiser.name == "lbfgs":
        return NotApplicable("its optimiser takes a few large steps, which have no average")
    if recipe.training.teacher:
        return NotApplicable("it has a teacher already")
    average = max(LEAST_EMA, recipe.training.ema)
    return moved(recipe, {"training.teacher": SHARE, "training.ema": average}, "")
