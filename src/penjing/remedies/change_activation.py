"""An activation that lets something through on either side, behind every layer.

Source: A. L. Maas, A. Y. Hannun, A. Y. Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models, ICML 2013.
"""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, resized

TREATS: Mapping[str, float] = {"dead_units": 0.9, "saturated_units": 0.85, "vanishing_gradient": 0.7}
# Its slope is nowhere near zero, so no unit falls silent for good, none has a bound, and gradients come back whole.
LEAKY = "leaky_relu"


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with leaky activations in every network that lets them be chosen."""
    why = "its activations let something through on either side already, or cannot be chosen"
    return resized(recipe, "activation", lambda _: LEAKY, why)
