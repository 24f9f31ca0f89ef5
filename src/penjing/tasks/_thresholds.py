"""From probabilities to classes: the most probable one, or for two classes a threshold chosen on validation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from penjing.core.errors import UsageError

ABOVE_ONE = 1e-6
RULES = 'write "f1", or "cost:5:1" (what a miss costs : what a false alarm costs)'


@dataclass(frozen=True)
class Threshold:
    """Where two classes are told apart.

    Attributes:
        positive: index of the class that is looked for.
        value: from this probability on, an item is taken for the positive class.
        rule: how the value was chosen, as typed.
    """

    positive: int
    value: float
    rule: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(found: Mapping[str, Any]) -> Threshold:
        return Threshold(int(found["positive"]), float(found["value"]), str(found["rule"]))


def predict(probability: np.ndarray, threshold: Threshold | None = None) -> np.ndarray:
    """Int[items]: the class each item is taken for.

    Args:
        probability: Float[items, classes].
        threshold: for two classes; None takes the most probable class, the first of equals.
    """
    if threshold is None:
        return probability.argmax(axis=1)
    # In float64, as the threshold was chosen; in float32 it could round onto the wrong side of its neighbour.
    is_positive = probability[:, threshold.positive].astype(np.float64) >= threshold.value
    return np.where(is_positive, threshold.positive, 1 - threshold.positive)


def decode(probability: np.ndarray, classes: Sequence[str], threshold: Threshold | None = None) -> list[str]:
    """The name of the class each item is taken for."""
    return [classes[index] for index in predict(probability, threshold)]


def choose_threshold(
    probability: np.ndarray, truth: np.ndarray, rule: str, classes: Sequence[str], positive: str = ""
) -> Threshold:
    """The threshold that serves a rule best on these items: validation, never test.

    Every distinct probability is tried. Among equally good ones the middle of the longest run is taken, because a
    threshold in the middle of a gap bears new items best.

    Args:
        probability: Float[items, 2].
        truth: Int[items].
        rule: "f1", the F1 of the positive class; or "cost:MISS:ALARM", the least total cost.
        classes: the two class names.
        positive: the class that is looked for; "" means the rarer one of these items, the second when they tie.

    Raises:
        UsageError: there are not two classes, the rule is none of these, or there is no class of that name.
    """
    if len(classes) != 2:
        raise UsageError(f"a threshold needs two classes; these data have {len(classes)}: leave --threshold out")
    if positive and positive not in classes:
        raise UsageError(f'there is no class "{positive}" to set a threshold for; there are {", ".join(classes)}')
    check_rule(rule)
    counts = np.bincount(truth, minlength=2)
    index = classes.index(positive) if positive else int(counts[1] <= counts[0])
    if counts.min() == 0:
        return Threshold(index, 0.5, rule)  # one class alone says nothing about where to part them
    chance = probability[:, index].astype(np.float64)
    levels = np.unique(chance)
    alarms, misses, found = _outcomes(chance, truth == index, levels)
    if rule == "f1":
        loss = -2 * found / np.maximum(2 * found + alarms + misses, 1)
    else:
        miss, alarm = check_rule(rule)
        loss = miss * misses + alarm * alarms
    return Threshold(index, _middle_of_best(loss, levels), rule)


def check_rule(rule: str) -> tuple[float, float]:
    """The costs of a miss and of a false alarm that a rule states; (1, 1) for "f1", which states none.

    Raises:
        UsageError: it is no rule.
    """
    if rule == "f1":
        return 1.0, 1.0
    name, *costs = rule.split(":")
    try:
        miss, alarm = (float(cost) for cost in costs)
    except ValueError:
        miss, alarm = math.nan, math.nan
    if name != "cost" or not (0 < miss < math.inf and 0 < alarm < math.inf):
        raise UsageError(f'"{rule}" is not a rule for a threshold; {RULES}')
    return miss, alarm


def _outcomes(chance: np.ndarray, is_positive: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, ...]:
    """Int[levels + 1] three times: false alarms, misses and finds when each level, and last nothing, is accepted."""
    positives, negatives = np.sort(chance[is_positive]), np.sort(chance[~is_positive])
    misses = np.append(np.searchsorted(positives, levels), len(positives))
    alarms = len(negatives) - np.append(np.searchsorted(negatives, levels), len(negatives))
    return alarms, misses, len(positives) - misses


def _middle_of_best(loss: np.ndarray, levels: np.ndarray) -> float:
    """The middle of the gap, below the accepted and above the refused, that the best outcome leaves."""
    # Outcome i holds for every threshold in (edges[i], edges[i + 1]]; the last, to accept nothing, may lie above 1.
    edges = np.concatenate([[0.0], levels, [1.0 if levels[-1] < 1.0 else 1.0 + ABOVE_ONE]])
    best = np.flatnonzero(loss <= loss.min() + 1e-12)
    runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    run = max(runs, key=lambda run: edges[run[-1] + 1] - edges[run[0]])
    return float((edges[run[0]] + edges[run[-1] + 1]) / 2)
