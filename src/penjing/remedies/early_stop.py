"""A training that ends by itself once a few evaluations brought nothing better."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {"trained_long": 1.0, "overfit": 0.3}
PATIENCE, EVALUATIONS = 3, 20


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe that stops after a few evaluations without a better one, with enough of them to stop in time."""
    if recipe.training.patience:
        return NotApplicable("it stops by itself already")
    often = max(EVALUATIONS, recipe.training.evaluations)
    return moved(recipe, {"training.patience": PATIENCE, "training.evaluations": often}, "")
