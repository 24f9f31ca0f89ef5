"""A network of twice the width."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, resized

TREATS: Mapping[str, float] = {"underfit": 0.6, "beaten_by_simple": 0.3, "small_model": 1.0}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with a wider network for every input."""
    return resized(recipe, "width", lambda now: 2 * now, "its network has no width")
