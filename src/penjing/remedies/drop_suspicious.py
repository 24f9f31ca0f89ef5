"""Training items whose label is doubted, or whose number to predict lies far from all others, are left out.

A label is doubted where a network that never saw the item believes in another one.

Source: C. G. Northcutt, L. Jiang, I. L. Chuang, Confident learning, JAIR 2021.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable

TREATS: Mapping[str, float] = {"label_errors": 1.0, "exploding_gradient": 1.0}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:
    """The recipe that drops the items named in the finding's evidence, by hash."""
    doubted = [item for item in finding.evidence.get("hashes", ()) if item not in recipe.data.drop]
    if not doubted:
        return NotApplicable(str(finding.evidence.get("unnamed", "the finding names no items")))
    return replace(recipe, data=replace(recipe.data, drop=(*recipe.data.drop, *doubted)))
