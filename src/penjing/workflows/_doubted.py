"""Training items whose labels are doubted by networks that never saw them, or whose numbers lie far out, for the
remedies that name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from penjing.core import plugins
from penjing.core.finding import Finding
from penjing.core.recipe import DataChoices, Recipe
from penjing.core.record import Record
from penjing.remedies import Suited
from penjing.workflows import _close
from penjing.workflows._prepare import Prepared

LABEL_ERRORS, EXPLODING, HELD_OUT = "label_errors", "exploding_gradient", "held_out"
STEADY = "likelier"  # what the evidence holds where mistakes do not become fewer with sureness
NAMED = ("hashes", "taken_for")  # what it holds where it names training items
WHY_UNNAMED = "unnamed"  # and what where it names none


@dataclass(frozen=True)
class Doubts:
    """Doubted labels of training items, and how others are found in their place for each deal of a verdict.

    Attributes:
        hashes: of the items that remedies name.
        recipe: of the networks that doubt.
        folds: that judge, where folds do.
        is_steady: whether mistakes do not become fewer with sureness; see `wrong`.
    """

    hashes: frozenset[str]
    recipe: Recipe
    folds: int
    is_steady: bool = False

    def concern(self, data: DataChoices) -> bool:
        """Whether something of what a recipe leaves out or relabels rests on these doubts."""
        return bool(self.hashes.intersection((*data.drop, *data.relabel)))


def wrong(answer: np.ndarray, truth: np.ndarray, is_steady: bool) -> np.ndarray:
    """Bool[items]: whose label is doubted.

    Args:
        answer: Float[items, classes], of networks that never saw the item.
        truth: Int[items].
        is_steady: whether mistakes were found not to become fewer with sureness. Then no probability tells how sure a
            network must be, and in the surest half all mistakes are doubted.
    """
    if not is_steady:
        return np.asarray(plugins.load("checks", LABEL_ERRORS).doubts(answer, truth))
    surest = np.argsort(-answer.max(1), kind="stable")[: len(truth) // 2]
    found = np.zeros(len(truth), dtype=bool)
    found[surest] = (answer.argmax(1) != truth)[surest]
    return found


def told(prepared: Prepared, rows: np.ndarray, answer: np.ndarray, is_steady: bool) -> dict[str, str]:
    """Hash → the class that it is taken for, of the rows whose labels are doubted; the most doubted first."""
    truth = prepared.truth[rows]
    doubted = np.flatnonzero(wrong(answer, truth, is_steady))
    order = doubted[np.argsort(answer[doubted, truth[doubted]], kind="stable")]
    best = answer.argmax(1)
    return {str(prepared.hashes[rows[place]]): prepared.classes[best[place]] for place in order.tolist()}


def doubting(finding: Finding, prepared: Prepared, rows: np.ndarray, answer: np.ndarray) -> Finding:
    """A finding of labels with the training items that are doubted, or why it names none.

    Probabilities that were learned from wrong labels are seldom sure of another class. So where labels are trouble and
    no training item is named by them, mistakes in the surest half are; what comes of that is judged.

    Args:
        finding: what was found on validation.
        prepared: the data.
        rows: of the training items.
        answer: of networks that never saw them.
    """
    task = plugins.load("tasks", prepared.task)
    items = _close.told_items(prepared, rows, [_close.Answers(HELD_OUT, answer)], "train", task)
    sharper = plugins.load("checks", LABEL_ERRORS).look(Record(items=items))
    if sharper is not None and "hashes" in sharper.evidence:
        return replace(sharper, name=finding.name)
    is_steady = STEADY in finding.evidence or finding.is_trouble
    doubted = told(prepared, rows, answer, is_steady=True) if is_steady else {}
    if not doubted:
        return unnamed(finding, "networks that never saw the training items doubt hardly any of their labels")
    named: dict[str, Sequence[Any]] = dict(zip(NAMED, (list(doubted), list(doubted.values())), strict=True))
    return replace(finding, evidence={STEADY: None, **finding.evidence, **named})


def with_far(finding: Finding, prepared: Prepared, aside: np.ndarray) -> Finding:
    """The finding with the training items whose number to predict lies far out where it may come of these.

    Args:
        finding: of any kind.
        prepared: the data.
        aside: rows that lie far out.
    """
    far = np.intersect1d(aside, prepared.rows("train"))
    if finding.name != EXPLODING or not len(far):
        return finding
    return replace(finding, evidence={**finding.evidence, "hashes": [str(prepared.hashes[row]) for row in far]})


def asks_for_items(asked: Suited, recipe: Recipe) -> bool:
    """Whether what the remedy does hangs on items that its finding names."""
    some = replace(asked.finding, evidence=dict.fromkeys(NAMED, ("some",)))
    apply = plugins.load("remedies", asked.name).apply
    return bool(apply(recipe, some) != apply(recipe, asked.finding))


def unnamed(finding: Finding, why: str) -> Finding:
    """The finding without any item named, and why."""
    kept = {key: value for key, value in finding.evidence.items() if key not in NAMED}
    return replace(finding, evidence={**kept, WHY_UNNAMED: why})
