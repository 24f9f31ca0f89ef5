"""A network of twice the width, or of half the usual one where that is more."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core import plugins
from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {"underfit": 0.6, "beaten_by_simple": 0.3, "small_model": 1.0}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with a wider network for every input."""
    chosen = (
        {"model": recipe.model} if not recipe.encoders else {f"encoders.{k}": v for k, v in recipe.encoders.items()}
    )
    wider = {
        f"{key}.width": max(2 * choice.settings["width"], _usual(choice.name) // 2)
        for key, choice in chosen.items()
        if "width" in choice.settings
    }
    return moved(recipe, wider, "its network has no width")


def _usual(name: str) -> int:
    """The width of a network that nobody chose one for, read without importing it; 0 where that is not known."""
    return int(plugins.find("models", name).defaults.get("width", 0))
