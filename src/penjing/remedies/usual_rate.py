"""The learning rate that is usual for the optimiser."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core import plugins
from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {
    "diverged": 0.9,
    "oscillating": 0.9,
    "crawling": 0.95,
    "not_learning": 0.95,
    "underfit": 0.75,
    "exploding_gradient": 0.6,
    "vanishing_gradient": 0.5,
    "dead_units": 0.7,
    "saturated_units": 0.7,
    "stopped_early": 0.6,
    "beaten_by_simple": 0.65,
}
FAR = 20.0  # times


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with its optimiser's own rate."""
    usual = plugins.find("optimisers", recipe.optimiser.name).defaults.get("rate")
    if usual is None:
        return NotApplicable(f"the optimiser {recipe.optimiser.name} has no rate")
    return moved(recipe, {"optimiser.rate": usual}, f"its rate is the usual one, {usual:g}")


def stands_out(recipe: Recipe) -> bool:
    """Whether the rate is an order of magnitude and more from the usual one."""
    usual = plugins.find("optimisers", recipe.optimiser.name).defaults.get("rate")
    rate = recipe.optimiser.settings.get("rate")
    if not usual or not rate:
        return False
    return not 1 / FAR <= float(rate) / float(usual) <= FAR
