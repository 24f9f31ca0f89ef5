"""The border of pictures is hidden from the network, while it learns and when it answers.

Where the border tells the class in the data at hand, every score on them falls by it, and no measurement on whole
pictures could speak for it. So `treat` shows what chooses and judges without border, once `shortcut` was found.
"""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.core.usual import BORDER
from penjing.remedies import NotApplicable, modality_names, moved

TREATS: Mapping[str, float] = {"shortcut": 1.0}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:
    """The recipe of a network that does not see the border of its pictures, as wide as the finding says."""
    seen = modality_names(recipe)
    if not seen:
        return NotApplicable("a network of one's own sees its inputs whole")
    if "image" not in seen:
        why = "an encoder sees its pictures whole" if recipe.pretrained else "its network sees no pictures"
        return NotApplicable(why)
    if recipe.training.border:
        return NotApplicable("the border of its pictures is hidden already")
    return moved(recipe, {"training.border": float(finding.evidence.get("border", BORDER))}, "")
