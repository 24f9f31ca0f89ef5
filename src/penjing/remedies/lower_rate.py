"""A lower learning rate: a third, and a tenth where the training diverged or nothing was learned."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {
    "diverged": 1.0,
    "oscillating": 1.0,
    "exploding_gradient": 0.7,
    "dead_units": 0.6,
    "saturated_units": 0.6,
    "not_learning": 0.7,
    "beaten_by_simple": 0.3,
    "unstable": 0.7,
    "unscaled_input": 0.3,
}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:
    """The recipe with a lower rate."""
    rate = recipe.optimiser.settings.get("rate")
    if rate is None:
        return NotApplicable(f"the optimiser {recipe.optimiser.name} has no rate")
    factor = 10 if finding.name in ("diverged", "not_learning") else 3
    return moved(recipe, {"optimiser.rate": rate / factor}, "")
