"""No features silenced while it learns, and no words left out."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved, networks

TREATS: Mapping[str, float] = {"underfit": 0.7, "not_learning": 0.3, "beaten_by_simple": 0.2}
MUCH = 0.5  # of the features or words


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe without dropout of any kind; inputs hidden as a whole stay so, for one may be missing later."""
    return moved(recipe, dict.fromkeys(_silenced(recipe), 0.0), "its network silences no features")


def stands_out(recipe: Recipe) -> bool:
    """Whether more than every second feature is silenced, or more than every second word left out."""
    return max(_silenced(recipe).values(), default=0.0) > MUCH


def _silenced(recipe: Recipe) -> dict[str, float]:
    """Dotted key → the share it silences: features ("dropout"), words ("word_dropout"), a state on its way
    ("recurrent_dropout")."""
    shares = {
        f"{key}.{name}": float(share)
        for key, settings in networks(recipe).items()
        for name, share in settings.items()
        if name.endswith("dropout")
    }
    return {**shares, "fusion.dropout": recipe.fusion.dropout} if recipe.encoders else shares
