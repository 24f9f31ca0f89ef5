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
TIMES = 8  # batches, of which all items make as many where they are few


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:
    """The recipe with smaller batches. A recipe does not know how many items there are; of the findings that this
    treats only large_batch does."""
    now = recipe.training
    if not now.batch_size and recipe.optimiser.name == "lbfgs":
        return NotApplicable("its optimiser learns from all items at once")
    known = finding.evidence.get("items") if finding.name == "large_batch" else None
    items = int(known) if known else now.batch_size
    if not items:
        return NotApplicable("it is not known how many items a batch of all has")
    taken = min(now.batch_size or items, items)
    if taken < 2 * SMALLEST:
        return NotApplicable("its batches are small")
    size = taken // 2 if now.batch_size else max(SMALLEST, min(USUAL, taken // TIMES))
    times = 2 if now.batch_size else taken // size
    return replace(recipe, training=replace(now, batch_size=size, steps=times * now.steps, replans=()))


def stands_out(recipe: Recipe) -> bool:
    """Whether each update takes all items, though its optimiser does not ask for that."""
    return not recipe.training.batch_size and recipe.optimiser.name != "lbfgs"
