"""A piece of another picture put into each, which learns the answers of both.

Source: S. Yun et al., CutMix, ICCV 2019.
"""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, modalities_of, moved

TREATS: Mapping[str, float] = {"overfit": 0.45, "few_examples": 0.4, "label_errors": 0.3}
STRENGTH = 1.0
MIXED = ("maps", "frames")  # what modalities give that can be mixed


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with cutmix."""
    given = [modality.GIVES for modality in modalities_of(recipe)]
    if not given or len(given) < len(recipe.encoders) or not set(given) <= set(MIXED):
        return NotApplicable("its inputs cannot be mixed")
    if recipe.optimiser.name == "lbfgs":
        return NotApplicable("it learns from all items at once")
    if recipe.training.mixup or recipe.training.cutmix:
        return NotApplicable("its items are mixed already")
    return moved(recipe, {"training.cutmix": STRENGTH}, "")
