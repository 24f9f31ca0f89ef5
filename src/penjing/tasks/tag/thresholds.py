"""From probabilities of labels to labels: one threshold a label, chosen on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penjing.core.errors import UsageError, did_you_mean
from penjing.tasks import _thresholds as of_two_classes

RULES = ("f1", "none")
HALF = 0.5
FEWEST = 10  # items with a label and without it; a threshold chosen from fewer is chance


@dataclass(frozen=True)
class Threshold:
    """From which probability on an item is taken to have a label.

    Attributes:
        values: one for each label.
        rule: how they were chosen, as typed.
    """

    values: tuple[float, ...]
    rule: str

    def to_dict(self) -> dict[str, Any]:
        """The threshold as `results.json` holds it."""
        return {"values": list(self.values), "rule": self.rule}

    @staticmethod
    def from_dict(found: Mapping[str, Any]) -> Threshold:
        """The threshold that `to_dict` wrote."""
        return Threshold(tuple(float(value) for value in found["values"]), str(found["rule"]))


def predict(answer: np.ndarray, threshold: Threshold | None = None) -> np.ndarray:
    """Bool[items, labels]: whether each item is taken to have each label.

    Args:
        answer: Float[items, labels].
        threshold: None takes one half for all.
    """
    values = HALF if threshold is None else np.asarray(threshold.values)
    # In float64, as the thresholds were chosen; in float32 one could round onto the wrong side of its neighbour.
    found: np.ndarray = answer.astype(np.float64) >= values
    return found


def choose_threshold(
    answer: np.ndarray,
    truth: np.ndarray,
    rule: str,
    names: Sequence[str],
    positive: str = "",  # noqa: ARG001 - every task is asked so
) -> Threshold:
    """The threshold of each label that gives its best F1 on these items: validation, never test.

    A label that fewer than `FEWEST` items have, or lack, keeps one half.

    Args:
        answer: Float[items, labels].
        truth: Int[items, labels].
        rule: one of `RULES`.
        names: the labels.

    Raises:
        UsageError: there is no such rule.
    """
    if rule not in RULES:
        raise UsageError(f'there is no rule for thresholds "{rule}"; {did_you_mean(rule, RULES)}')
    if rule == "none":
        return Threshold((HALF,) * len(names), rule)
    return Threshold(tuple(_choose(answer[:, label], truth[:, label], rule) for label in range(len(names))), rule)


def _choose(probability: np.ndarray, truth: np.ndarray, rule: str) -> float:
    if min(int(truth.sum()), int((1 - truth).sum())) < FEWEST:
        return HALF
    both = np.stack([1 - probability, probability], axis=1)
    return of_two_classes.choose_threshold(both, truth, rule, ("no", "yes"), "yes").value
