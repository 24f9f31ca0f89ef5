"""A network of half the width."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, resized

TREATS: Mapping[str, float] = {"overfit": 0.4, "large_model": 1.0}
NARROWEST = 8


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with a narrower network for every input."""
    why = "its network has no width that could be halved"
    return resized(recipe, "width", lambda now: now // 2 if now >= 2 * NARROWEST else now, why)
