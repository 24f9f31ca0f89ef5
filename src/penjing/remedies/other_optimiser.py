"""AdamW at its usual rate, or Muon where AdamW was used."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {
    "not_learning": 0.7,
    "crawling": 0.7,
    "diverged": 0.5,
    "vanishing_gradient": 0.6,
    "underfit": 0.5,
    "oscillating": 0.4,
    "beaten_by_simple": 0.4,
}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with another optimiser, at that one's own rate and decay."""
    if recipe.optimiser.name == "lbfgs":
        return NotApplicable("the optimiser lbfgs finds the best there is")
    return moved(recipe, {"optimiser": "muon" if recipe.optimiser.name == "adamw" else "adamw"}, "")
