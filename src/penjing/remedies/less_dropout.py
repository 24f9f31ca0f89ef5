"""No features silenced while it learns."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, networks, resized

TREATS: Mapping[str, float] = {"underfit": 0.7, "not_learning": 0.3, "beaten_by_simple": 0.2}
MUCH = 0.5  # of the features


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe without dropout."""
    return resized(recipe, "dropout", lambda _: 0.0, "its network silences no features", and_fusion=True)


def stands_out(recipe: Recipe) -> bool:
    """Whether more than every second feature is silenced."""
    shares = [settings.get("dropout", 0.0) for settings in networks(recipe).values()]
    return max(shares, default=0.0) > MUCH
