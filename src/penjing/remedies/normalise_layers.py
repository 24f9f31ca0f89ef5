"""What layers give, normalised: for networks that do not do so by themselves.

Source: S. Ioffe, C. Szegedy, Batch Normalization, ICML 2015; J. L. Ba, J. R. Kiros, G. E. Hinton, Layer Normalization,
2016.
"""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, modalities_of, resized

TREATS: Mapping[str, float] = {"vanishing_gradient": 0.9, "exploding_gradient": 0.6, "diverged": 0.4}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with normalised layers in every network that can have them."""
    if not modalities_of(recipe):
        return NotApplicable("the layers of a network of one's own are in its code; put nn.BatchNorm between them")
    return resized(recipe, "has_norm", lambda _: True, "its network normalises its layers already, or cannot")
