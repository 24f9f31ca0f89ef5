"""What `fit` begins with for such inputs, as a recipe: for the remedies that take all of it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from penjing.core import plugins
from penjing.core.recipe import Choice, Recipe, Training, Wide
from penjing.core.usual import WIDE_RUNS, Usual, usual
from penjing.remedies import as_usual

FEWEST = 400  # updates
TOLD_BY_DATA = ("flip", "colour")  # augmentations


def afresh(recipe: Recipe, modalities: Sequence[str]) -> Recipe:
    """The recipe with everything as usual but its data, its seed, what is measured and how many updates it may take.

    Args:
        modalities: of its inputs, one at least.
    """
    begin = usual(modalities)
    batch_size, rate = begin.near(recipe.training.batch_size)
    training = Training(
        steps=max(FEWEST, recipe.training.steps),
        batch_size=batch_size,
        evaluations=recipe.training.evaluations,
        ema=begin.ema,
        views=recipe.training.views,
        border=recipe.training.border,
    )
    return replace(
        recipe,
        task=as_usual(recipe.task, begin),
        augment=(*_told_by_data(recipe), *begin.augment),
        model=_model(recipe, begin, modalities),
        wide=Wide(longest=WIDE_RUNS) if _has_odds_of_words(recipe, modalities) else Wide(),
        optimiser=begin.optimiser_at(rate),
        schedule=begin.schedule,
        training=training,
    ).filled()


def _told_by_data(recipe: Recipe) -> tuple[Choice, ...]:
    """Augmentations that stand in a recipe because the data allow them: whether pictures that are mirrored, or shown in
    another light, keep their class."""
    return tuple(choice for choice in recipe.augment if choice.name in TOLD_BY_DATA)


def _model(recipe: Recipe, begin: Usual, modalities: Sequence[str]) -> Choice:
    """The first network of the only input's modality; where inputs are joined, the networks stay."""
    if recipe.encoders or len(modalities) > 1:
        return recipe.model
    return Choice(begin.model or plugins.load("modalities", modalities[0]).MODELS[0])


def _has_odds_of_words(recipe: Recipe, modalities: Sequence[str]) -> bool:
    return "text" in modalities and recipe.task.name == "classify"
