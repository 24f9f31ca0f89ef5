"""A tenth of the truth spread over all classes, so that no answer need be given with full certainty.

Source: C. Szegedy et al., Rethinking the Inception architecture, CVPR 2016.
"""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {"overfit": 0.6, "label_errors": 0.4, "miscalibrated": 0.6}
SHARE = 0.1


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with smoothed labels."""
    smoothing = recipe.task.settings.get("label_smoothing")
    if smoothing is None:
        return NotApplicable(f"the task {recipe.task.name} has no labels to smooth")
    if smoothing >= SHARE:
        return NotApplicable("its labels are smoothed already")
    return moved(recipe, {"task.label_smoothing": SHARE}, "")
