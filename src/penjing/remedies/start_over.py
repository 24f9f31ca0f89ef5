"""The course and the network that `fit` begins with for such inputs, in the place of all that was chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from penjing.core import plugins
from penjing.core.finding import Finding
from penjing.core.recipe import Choice, Recipe, Training, Wide
from penjing.core.usual import WIDE_RUNS, Usual, usual
from penjing.remedies import NotApplicable, as_usual, modality_names

# It moves much at once, so it comes after what a finding points at, and before what is tried for want of better.
TREATS: Mapping[str, float] = {
    "diverged": 0.85,
    "oscillating": 0.85,
    "crawling": 0.85,
    "not_learning": 0.85,
    "underfit": 0.85,
    "overfit": 0.65,
    "trained_long": 0.65,
    "exploding_gradient": 0.8,
    "vanishing_gradient": 0.8,
    "dead_units": 0.8,
    "saturated_units": 0.8,
    "small_batch": 0.85,
    "large_batch": 0.85,
    "small_model": 0.8,
    "large_model": 0.7,
    "wrong_loss": 0.8,
    "beaten_by_simple": 0.8,
    "stopped_early": 0.7,
    "unstable": 0.8,
}
FEWEST = 400  # updates


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with everything as usual but its data, its seed, what is measured and how many updates it may take."""
    modalities = modality_names(recipe)
    if not modalities:
        return NotApplicable("nothing is usual for a network of one's own")
    if recipe.optimiser.name == "lbfgs":
        return NotApplicable("the optimiser lbfgs finds the best there is")
    begin = usual(modalities)
    batch_size, rate = begin.near(recipe.training.batch_size)
    training = Training(
        steps=max(FEWEST, recipe.training.steps),
        batch_size=batch_size,
        evaluations=recipe.training.evaluations,
        ema=begin.ema,
        views=recipe.training.views,
    )
    other = replace(
        recipe,
        task=as_usual(recipe.task, begin),
        augment=(*_told_by_data(recipe), *begin.augment),
        model=_model(recipe, begin, modalities),
        wide=Wide(longest=WIDE_RUNS) if _has_odds_of_words(recipe, modalities) else Wide(),
        optimiser=begin.optimiser_at(rate),
        schedule=begin.schedule,
        training=training,
    ).filled()
    return NotApplicable("everything is as usual") if other == recipe else other


def _told_by_data(recipe: Recipe) -> tuple[Choice, ...]:
    """Augmentations that stand in a recipe because the data allow them: whether mirrored pictures keep their class."""
    return tuple(choice for choice in recipe.augment if choice.name == "flip")


def _model(recipe: Recipe, begin: Usual, modalities: Sequence[str]) -> Choice:
    """The first network of the only input's modality; where inputs are joined, the networks stay."""
    if recipe.encoders or len(modalities) > 1:
        return recipe.model
    return Choice(begin.model or plugins.load("modalities", modalities[0]).MODELS[0])


def _has_odds_of_words(recipe: Recipe, modalities: Sequence[str]) -> bool:
    return "text" in modalities and recipe.task.name == "classify"
