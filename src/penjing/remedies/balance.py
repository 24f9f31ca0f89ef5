"""Every class weighing the same in the loss, however few items it has."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {"imbalance": 1.0, "missed_class": 1.0}
KNOBS = ("class_weights", "label_weights")


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with balanced classes."""
    knob = next((name for name in KNOBS if name in recipe.task.settings), None)
    if knob is None:
        return NotApplicable(f"the task {recipe.task.name} has no classes to balance")
    return moved(recipe, {f"task.{knob}": "balanced"}, "its classes weigh the same already")
