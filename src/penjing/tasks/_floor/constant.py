"""The least that a model can be: the same answer for every item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penjing.tasks._floor.features import Given, as_features


@dataclass(frozen=True)
class Majority:
    """Gives every item the same answer: the shares of the classes in the training part, or of the labels, or the mean.

    Attributes:
        share: Float32[outputs].
    """

    share: np.ndarray

    def predict(self, features: Given) -> np.ndarray:
        """Float32[items, outputs]."""
        return self.answer(len(as_features(features)))

    def answer(self, items: int) -> np.ndarray:
        """Float32[items, outputs], for so many items."""
        return np.tile(self.share, (items, 1))

    @staticmethod
    def learn(task: str, y: np.ndarray, outputs: int) -> Majority:
        if task == "classify":
            counts = np.bincount(y, minlength=outputs)
            return Majority((counts / max(counts.sum(), 1)).astype(np.float32))
        mean = y.mean(axis=0, dtype=np.float64) if len(y) else np.zeros(outputs)
        return Majority(np.atleast_1d(mean).astype(np.float32))
