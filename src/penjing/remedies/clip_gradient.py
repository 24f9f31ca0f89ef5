"""Gradients no longer than 1, or than a quarter of what they were allowed to be.

Source: R. Pascanu, T. Mikolov, Y. Bengio, On the difficulty of training recurrent neural networks, ICML 2013.
"""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {"exploding_gradient": 1.0, "diverged": 0.8, "oscillating": 0.4, "unscaled_input": 0.3}
LONGEST = 1.0


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with clipped gradients."""
    allowed = recipe.training.clip_norm
    return moved(recipe, {"training.clip_norm": allowed / 4 if allowed else LONGEST}, "")
