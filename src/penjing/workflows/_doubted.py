"""Training items whose labels are doubted by networks that never saw them, for the remedies that name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from penjing.core import plugins
from penjing.core.finding import Finding
from penjing.core.recipe import DataChoices, Recipe
from penjing.workflows._prepare import Prepared

LABEL_ERRORS = "label_errors"
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


def naming(finding: Finding, items: Mapping[str, str]) -> Finding:
    """The finding with these items named, hash → the class that each is taken for."""
    named: dict[str, Sequence[Any]] = dict(zip(NAMED, (list(items), list(items.values())), strict=True))
    return replace(finding, evidence={**finding.evidence, **named})


def unnamed(finding: Finding, why: str) -> Finding:
    """The finding without any item named, and why."""
    kept = {key: value for key, value in finding.evidence.items() if key not in NAMED}
    return replace(finding, evidence={**kept, WHY_UNNAMED: why})
