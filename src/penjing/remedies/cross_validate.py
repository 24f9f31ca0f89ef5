"""What is learned from and what validates are dealt anew, into folds.

Each item validates once, and the network that is kept learns from all of them. Where the two parts are of different
kinds, a network that learned from one answers for the other, and what was chosen on that other kind may be far from the
best; where few items are learned from and many validate, most of what is known of the task is not learned. The sealed
test part stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.core.split import FOLDS_WITHOUT_TEST
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {"drift": 1.0, "few_examples": 1.0}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:
    """The recipe that learns from training and validation items in folds."""
    if recipe.split.folds:
        return NotApplicable("it learns in folds already")
    if finding.name not in TREATS:
        return NotApplicable("nothing says that the parts are of different kinds, or that there are few items")
    if reason := finding.evidence.get("apart"):
        return NotApplicable(str(reason))
    return moved(recipe, {"split.folds": FOLDS_WITHOUT_TEST}, "")
