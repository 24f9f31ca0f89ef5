"""First weights as each layer of one's own network draws them itself, in the place of those that it was given with.

Source: K. He et al., Delving Deep into Rectifiers, ICCV 2015, whose bounds PyTorch's layers draw within.
"""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {
    "exploding_gradient": 0.55,
    "vanishing_gradient": 0.6,
    "saturated_units": 0.6,
    "not_learning": 0.4,
    "diverged": 0.3,
}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe that begins with weights drawn anew."""
    if "begins" not in recipe.model.settings:
        return NotApplicable("its layers draw their first weights themselves, as those of every network of penjing's")
    return moved(recipe, {"model.begins": "drawn"}, "its layers draw their first weights themselves already")
