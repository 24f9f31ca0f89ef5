"""The training items as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable

TREATS: Mapping[str, float] = {"underfit": 0.7, "not_learning": 0.3, "beaten_by_simple": 0.2}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe without augmentation."""
    return replace(recipe, augment=()) if recipe.augment else NotApplicable("it uses no augmentation")
