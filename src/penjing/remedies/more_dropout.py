"""More features silenced at random while it learns.

Source: N. Srivastava et al., Dropout, JMLR 2014.
"""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, resized

TREATS: Mapping[str, float] = {"overfit": 0.8}
MORE, MOST = 0.25, 0.6


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with more dropout in every network."""
    why = "its network has no dropout to raise"
    return resized(recipe, "dropout", lambda now: max(now, min(MOST, now + MORE)), why, and_fusion=True)
