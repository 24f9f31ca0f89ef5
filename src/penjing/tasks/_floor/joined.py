"""Simple models that answer together: one for numbers beside one for words, or one for each label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol, runtime_checkable

import numpy as np

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
HALVES = (0.5, 0.5)
LEAST = 1e-7


@runtime_checkable
class Predictor(Protocol):
    """Anything that gives answers for features."""

    def predict(self, features: Any) -> np.ndarray:
        """Float32[items, outputs] for `Features`."""
        ...


@dataclass(frozen=True)
class OfCounts:
    """A model that reads nothing but counts of words.

    Attributes:
        part: the model.
    """

    part: Predictor

    def predict(self, features: Any) -> np.ndarray:
        """Float32[items, outputs]."""
        return self.part.predict(features.counts)


@dataclass(frozen=True)
class Mixed:
    """Two models whose answers are weighed: probabilities as a product of powers, numbers as a sum.

    Attributes:
        parts: the models.
        shares: the weight of each.
        is_number: whether answers are numbers.
    """

    parts: tuple[Predictor, ...]
    shares: tuple[float, ...]
    is_number: bool

    def predict(self, features: Any) -> np.ndarray:
        """Float32[items, outputs]."""
        return mix([part.predict(features) for part in self.parts], self.shares, self.is_number)


@dataclass(frozen=True)
class PerLabel:
    """One model of two classes for each label.

    Attributes:
        parts: the models.
    """

    parts: tuple[Predictor, ...]

    def predict(self, features: Any) -> np.ndarray:
        """Float32[items, labels]: the probability of the second class of each."""
        return np.stack([part.predict(features)[:, 1] for part in self.parts], axis=1)


def mix(answers: Sequence[np.ndarray], shares: Sequence[float], is_number: bool) -> np.ndarray:
    """Float32[items, outputs]: several answers as one; see `Mixed`."""
    if is_number:
        return sum(share * one for share, one in zip(shares, answers, strict=True)).astype(np.float32)  # type: ignore[union-attr]
    logits = sum(share * np.log(np.maximum(one, LEAST)) for share, one in zip(shares, answers, strict=True))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: np.ndarray = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return found


def choose_shares(answers: Sequence[np.ndarray], truth: np.ndarray, is_number: bool) -> tuple[float, ...]:
    """The shares of two answers that suit these validation items best; halves where there are none."""
    if len(truth) == 0:
        return HALVES
    tried = [one for one in product(SHARES, SHARES) if (sum(one) == 1 if is_number else sum(one) > 0)]

    def wrong(shares: tuple[float, ...]) -> float:
        answer = mix(answers, shares, is_number).astype(np.float64)
        if is_number:
            return float(np.square(answer[:, 0] - truth).mean())
        return float(-np.log(np.maximum(answer[np.arange(len(truth)), truth], LEAST)).mean())

    return min(tried, key=wrong)
