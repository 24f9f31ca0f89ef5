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
    """The recipe that relabels the training items named in the finding's evidence, by hash; those among them that it
    leaves out are learned from again, under the other class."""
    taken = finding.evidence.get("taken_for", ())  # of exchanged classes it is a table, which names no items
    doubted = {} if isinstance(taken, Mapping) else dict(zip(finding.evidence.get("hashes", ()), taken, strict=False))
    new = {item: name for item, name in doubted.items() if item not in recipe.data.relabel}
    if not new:
        return NotApplicable(str(finding.evidence.get("unnamed", "the finding names no items")))
    drop = tuple(item for item in recipe.data.drop if item not in new)
    return replace(recipe, data=replace(recipe.data, drop=drop, relabel={**recipe.data.relabel, **new}))
