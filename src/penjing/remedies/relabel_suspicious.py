"""The training items whose labels a network that never saw them believes least get the class it is sure of.

Source: C. G. Northcutt, L. Jiang, I. L. Chuang, Confident learning, JAIR 2021.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable

TREATS: Mapping[str, float] = {"label_errors": 0.8}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:
    """The recipe that relabels the training items named in the finding's evidence, by hash."""
    doubted = dict(zip(finding.evidence.get("hashes", ()), finding.evidence.get("taken_for", ()), strict=False))
    settled = {**recipe.data.relabel, **dict.fromkeys(recipe.data.drop, "")}
    new = {item: name for item, name in doubted.items() if item not in settled}
    if not new:
        return NotApplicable("the finding names no items")
    return replace(recipe, data=replace(recipe.data, relabel={**recipe.data.relabel, **new}))
