"""The loss that is usual for the task: cross-entropy for classes, half the squared error for numbers."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core import plugins
from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {
    "not_learning": 0.9,
    "underfit": 0.8,
    "crawling": 0.6,
    "vanishing_gradient": 0.5,
    "wrong_loss": 1.0,
}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:  # noqa: ARG001 - every remedy is asked in the same words
    """The recipe with the task's own loss."""
    usual = plugins.find("tasks", recipe.task.name).defaults.get("loss")
    if usual is None:
        return NotApplicable(f"the task {recipe.task.name} has one loss only")
    return moved(recipe, {"task.loss": usual}, f"its loss is the usual one, {usual}")


def stands_out(recipe: Recipe) -> bool:
    """Whether the loss is another one."""
    usual = plugins.find("tasks", recipe.task.name).defaults.get("loss")
    return usual is not None and recipe.task.settings.get("loss", usual) != usual
