"""What a network that was trained elsewhere sees in the input, with a small head that learns from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penjing.core.finding import Finding
from penjing.core.recipe import Choice, Recipe
from penjing.core.usual import usual
from penjing.pretrained import installed
from penjing.remedies import NotApplicable, as_usual, modality_names

TREATS: Mapping[str, float] = {
    "few_examples": 1.0,
    "overfit": 0.7,
    "beaten_by_simple": 0.7,
    "unstable": 0.6,
    "not_learning": 0.55,
    "underfit": 0.55,
    "small_model": 0.5,
}
FEWEST = 400  # updates
HEAD = Choice("probe")


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with the only input seen through an encoder that is installed, and a head in the network's place."""
    if recipe.pretrained:
        return NotApplicable("its input is seen through a pretrained encoder already")
    if recipe.training.border:
        return NotApplicable("an encoder sees pictures whole, and their border is hidden")
    modalities = modality_names(recipe)
    if len(modalities) != 1 or len(recipe.data.inputs) != 1:
        return NotApplicable("it is not a network of one input")
    encoder = installed(modalities[0])
    if encoder is None:
        return NotApplicable("no pretrained encoder for its input is installed")
    begin = usual(["embedding"])
    batch_size, rate = begin.near(recipe.training.batch_size)
    steps = max(FEWEST, recipe.training.steps)
    training = replace(
        recipe.training, steps=steps, replans=(), batch_size=batch_size, ema=begin.ema, views=1, mixup=0.0, cutmix=0.0
    )
    return replace(
        recipe,
        task=as_usual(recipe.task, begin),
        augment=(),
        model=HEAD,
        pretrained={recipe.data.inputs[0]: encoder},
        optimiser=begin.optimiser_at(rate),
        schedule=begin.schedule,
        training=training,
    ).filled()
