"""Answers as a metric without thresholds has to see them: moved so that the thresholds that serve them best lie at one
half."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penjing.workflows import _close


def at_half(
    answer: np.ndarray, choosing: np.ndarray, truth: np.ndarray, task: Any, settings: Any, classes: Sequence[str]
) -> tuple[np.ndarray | None, Any]:
    """(the answers moved, the threshold), chosen where a rule for thresholds was asked for; None for either where none
    was, and for the first where the metric knows no threshold: of a loss, moved answers would be worth something else.

    Args:
        answer: Float[items, outputs], of any items.
        choosing: Float[chosen, outputs], of the same network, on the items that thresholds are chosen by.
        truth: of these.
        task: the plug-in.
        settings: its settings, with metric and rule.
        classes: their names, or those of labels.
    """
    (told,) = _close.with_thresholds([_close.Answers("network", choosing)], task, settings, truth, classes)
    if told.threshold is None:
        return None, None
    cut, usual = (task.metric(settings.metric, one) for one in (told.threshold, None))
    if cut(truth, choosing) != usual(truth, moved(choosing, told.threshold)):
        return None, told.threshold
    return moved(answer, told.threshold), told.threshold


def moved(answer: np.ndarray, threshold: Any) -> np.ndarray:
    """Answers whose log-odds are moved so that what was taken at the threshold is what is taken at one half."""
    told = threshold.to_dict()
    if "values" in told:  # one for each label
        return _centred(answer, np.asarray(told["values"]))
    chance = _centred(answer[:, told["positive"]], np.asarray(told["value"]))
    return np.stack([1 - chance, chance] if told["positive"] else [chance, 1 - chance], axis=1)


def _centred(chance: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Probabilities with one half in the place of others, and on the side of it where they were."""
    chance = chance.astype(np.float64)
    yes, no = chance * (1 - np.minimum(at, 1.0)), (1 - chance) * np.minimum(at, 1.0)
    found = np.divide(yes, yes + no, out=np.full(chance.shape, 0.5), where=yes + no > 0)
    return np.where(chance >= at, np.maximum(found, np.nextafter(0.5, 1)), np.minimum(found, np.nextafter(0.5, 0)))
