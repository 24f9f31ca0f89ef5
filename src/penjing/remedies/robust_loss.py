"""The absolute error for numbers, to which one that is far off counts no more than its distance."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {
    "exploding_gradient": 0.75,
    "oscillating": 0.5,
    "not_learning": 0.5,
    "underfit": 0.45,
    "beaten_by_simple": 0.5,
    "overfit": 0.4,
}
ROBUST = "absolute"


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with the absolute error as its loss."""
    if recipe.task.name != "regress":
        return NotApplicable("it does not predict numbers")
    return moved(recipe, {"task.loss": ROBUST}, "its loss is the absolute error")
