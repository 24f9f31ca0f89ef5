"""A piece of another picture put into each, which learns the answers of both.

Source: S. Yun et al., CutMix, ICCV 2019.
"""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, mixing

TREATS: Mapping[str, float] = {"overfit": 0.45, "few_examples": 0.4, "label_errors": 0.3}
STRENGTH = 1.0
MIXED = ("maps", "frames")  # what modalities give that can be mixed


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with cutmix."""
    return mixing(recipe, "cutmix", STRENGTH, MIXED)
