"""A linear model of runs of words, learned beside the network and added to what it says."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.core.usual import WIDE_RUNS
from penjing.remedies import NotApplicable, modalities_of, moved

TREATS: Mapping[str, float] = {
    "beaten_by_simple": 0.9,
    "underfit": 0.65,
    "not_learning": 0.6,
    "overfit": 0.6,
    "small_model": 0.6,
    "stopped_early": 0.5,
    "crawling": 0.5,
    "unstable": 0.4,
}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with the linear model beside its network."""
    if not any(modality.GIVES == "tokens" for modality in modalities_of(recipe)):
        return NotApplicable("none of its inputs is text")
    if recipe.task.name != "classify" or recipe.task.settings.get("loss", "cross_entropy") != "cross_entropy":
        return NotApplicable("what its network says are not the log-odds of classes")
    if recipe.wide.longest:
        return NotApplicable("runs of words are looked at already")
    return moved(recipe, {"wide.longest": WIDE_RUNS}, "")
