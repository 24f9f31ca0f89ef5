"""A learning rate ten times as high, and three times where the network learns and under-fits."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {
    "crawling": 1.0,
    "not_learning": 0.8,
    "underfit": 0.6,
    "vanishing_gradient": 0.4,
    "beaten_by_simple": 0.4,
}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:
    """The recipe with a higher rate."""
    rate = recipe.optimiser.settings.get("rate")
    if rate is None:
        return NotApplicable(f"the optimiser {recipe.optimiser.name} has no rate")
    factor = 3 if finding.name == "underfit" else 10
    return moved(recipe, {"optimiser.rate": rate * factor}, "")
