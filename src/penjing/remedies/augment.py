"""The training items changed a little each time they are seen, in ways that keep what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penjing.core.finding import Finding
from penjing.core.recipe import Choice, Recipe
from penjing.remedies import NotApplicable, modalities_of

TREATS: Mapping[str, float] = {"overfit": 0.9, "beaten_by_simple": 0.3, "few_examples": 0.7, "shortcut": 0.4}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with the augmentations that its inputs' modalities call safe and it does not have yet."""
    used = {choice.name for choice in recipe.augment}
    safe = [name for modality in modalities_of(recipe) for name in getattr(modality, "SAFE_AUGMENTATIONS", ())]
    new = [Choice(name).filled("augmentations") for name in safe if name not in used]
    if not new:
        return NotApplicable("there is no augmentation for its inputs that it does not use already")
    return replace(recipe, augment=(*recipe.augment, *new))
