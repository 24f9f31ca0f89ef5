"""Half as many items an update and twice as many updates, so that as many items are seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable

TREATS: Mapping[str, float] = {
    "crawling": 0.6,
    "stopped_early": 0.5,
    "underfit": 0.4,
    "beaten_by_simple": 0.3,
    "large_batch": 1.0,
}
SMALLEST, USUAL = 8, 64  # items
TIMES = 8  # more updates, where it is not known how many items a batch of all has


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:
    """The recipe with smaller batches."""
    now = recipe.training
    if not now.batch_size:
        if recipe.optimiser.name == "lbfgs":
            return NotApplicable("its optimiser learns from all items at once")
        items = int(finding.evidence.get("items") or TIMES * USUAL)
        size = max(SMALLEST, min(USUAL, items // TIMES))
        return replace(
            recipe, training=replace(now, batch_size=size, steps=now.steps * max(1, items // size), replans=())
        )
    if now.batch_size < 2 * SMALLEST:
        return NotApplicable("its batches are small")
    return replace(recipe, training=replace(now, batch_size=now.batch_size // 2, steps=2 * now.steps, replans=()))


def stands_out(recipe: Recipe) -> bool:
    """Whether each update takes all items, though its optimiser does not ask for that."""
    return not recipe.training.batch_size and recipe.optimiser.name != "lbfgs"
