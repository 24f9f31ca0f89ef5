"""Items laid over one another in pairs, each learning the answers of both.

Source: H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, mixup: Beyond empirical risk minimization, ICLR 2018.
"""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, mixing

TREATS: Mapping[str, float] = {"overfit": 0.5, "few_examples": 0.4, "label_errors": 0.3}
STRENGTH = 0.2
MIXED = ("maps", "frames", "vector")  # what modalities give that can be mixed


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with mixup."""
    return mixing(recipe, "mixup", STRENGTH, MIXED)
