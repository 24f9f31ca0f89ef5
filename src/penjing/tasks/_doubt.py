"""When not to trust a prediction: *unsure*, and *unlike* anything the network was trained on.

Sources: C. K. Chow (1970), "On optimum recognition error and reject tradeoff", for refusing the least sure; K. Lee et
al. (2018), "A simple unified framework for detecting out-of-distribution samples", for the distance to the nearest
class in the network's features; Y. Chen et al. (2010), "Shrinkage algorithms for MMSE covariance estimation", for the
covariance of few items. Departure from Lee: only the last features are used, and the threshold needs no strange items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from penjing.core.files import write_atomically

FEW_MISTAKES = 10  # with fewer, where they lie is chance
EVEN_ODDS = 0.5  # below it an answer is more likely wrong than right; of two classes the likelier one never is
MOST_UNSURE = 0.3  # share of validation items; a person can look at some predictions again, not at most of them
USUAL_SHARE = 0.99  # of validation items, which count as like the training data
FEW_STRETCH = 0.5
LEAST_SPREAD = 1e-4  # of the mean spread; else a unit that never fired would call every item that fires it unlike
BLOCK = 4096  # items whose distances are held at once


def unsure_below(probability: np.ndarray, truth: np.ndarray) -> float:
    """The top probability below which a prediction is called unsure.

    It is the lowest one that halves the share of mistakes among the items above it, on validation; but never so high
    that more than `MOST_UNSURE` of the items would be unsure, and never below `EVEN_ODDS`, however many items that
    makes unsure: what is more likely wrong than right is nothing to rely on. With fewer than `FEW_MISTAKES` mistakes
    there is nothing to learn it from, and it is `EVEN_ODDS`.

    Args:
        probability: Float[items, classes] of validation items, after the temperature.
        truth: Int[items].
    """
    wrong = probability.argmax(axis=1) != truth if len(truth) else np.zeros(0, dtype=bool)
    if wrong.sum() < FEW_MISTAKES:
        return EVEN_ODDS
    top = probability.max(axis=1).astype(np.float64)
    surest_first = np.argsort(-top, kind="stable")
    accepted = np.arange(1, len(top) + 1)
    mistakes = np.cumsum(wrong[surest_first]) / accepted
    # Only where the next item is less sure can a threshold part the two.
    parts = np.append(np.diff(top[surest_first]) < 0, True)
    good = np.flatnonzero((mistakes <= wrong.mean() / 2) & parts)
    last = max(good[-1] if len(good) else 0, int(np.ceil((1 - MOST_UNSURE) * len(top))) - 1)
    return max(EVEN_ODDS, float(top[surest_first[last]]))


@dataclass(frozen=True)
class Unlike:
    """Tells items that lie far from the training data, in the network's own features.

    Attributes:
        centres: Float32[classes, features], the mean of each class that has training items.
        whitener: Float32[features, features]; after it, one unit is one standard deviation in every direction.
        threshold: the distance above which an item is unlike.
    """

    centres: np.ndarray
    whitener: np.ndarray
    threshold: float

    @staticmethod
    def learn(
        features_train: np.ndarray, y_train: np.ndarray, features_valid: np.ndarray, share: float = USUAL_SHARE
    ) -> Unlike:
        """Learn from training items where the classes lie, and from validation items how far is usual.

        Args:
            features_train: Float[items, features] out of the network's encoder, at least one item.
            y_train: Int[items].
            features_valid: the same of items it was not trained on; without any, the training items stand in.
            share: share of validation items that count as usual.
        """
        x = features_train.astype(np.float64)
        classes, index = np.unique(y_train, return_inverse=True)
        counts = np.bincount(index)
        order = np.argsort(index, kind="stable")
        centres = np.add.reduceat(x[order], np.cumsum(counts) - counts, axis=0) / counts[:, None]
        whitener = _whitener(x - centres[index], len(x) - len(classes))
        found = Unlike(centres.astype(np.float32), whitener.astype(np.float32), np.inf)
        usual = np.sort(found.distances(features_valid if len(features_valid) else features_train))
        return Unlike(found.centres, found.whitener, _quantile(usual, share))

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Float32[items]: how many standard deviations each of Float[items, features] is from the nearest centre."""
        # Measured from the middle of the centres: squares of large numbers would cancel in float32.
        middle = self.centres.mean(axis=0)
        centres = (self.centres - middle) @ self.whitener
        squares = np.square(centres).sum(axis=1)
        found = np.empty(len(features), dtype=np.float32)
        for start in range(0, len(features), BLOCK):
            items = (features[start : start + BLOCK].astype(np.float32) - middle) @ self.whitener
            apart = np.square(items).sum(axis=1, keepdims=True) - 2 * items @ centres.T + squares
            found[start : start + BLOCK] = np.sqrt(np.maximum(apart.min(axis=1), 0.0))
        return found

    def is_unlike(self, features: np.ndarray) -> np.ndarray:
        """Bool[items]: which items lie farther from every class than is usual. What is not a number is unlike."""
        return ~(self.distances(features) <= self.threshold)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays, by name."""
        threshold = np.array([self.threshold], dtype=np.float32)
        return {"centres": self.centres, "whitener": self.whitener, "threshold": threshold}

    def save(self, path: Path) -> None:
        """Keep everything in an .npz file, which holds no pickle.

        Raises:
            RunError: the file cannot be written.
        """

        def write(temporary: Path) -> None:
            with temporary.open("wb") as file:
                np.savez(file, **self.to_arrays())  # type: ignore[arg-type]

        write_atomically(path, write)

    @staticmethod
    def from_arrays(arrays: Mapping[str, np.ndarray]) -> Unlike:
        """What `to_arrays` gave."""
        return Unlike(arrays["centres"], arrays["whitener"], float(arrays["threshold"][0]))


def _quantile(distances: np.ndarray, share: float) -> float:
    """The distance within which `share` of new items are expected.

    Few items do not show how far the usual reaches. Where the quantile does not lie among them, the largest distance is
    stretched, by up to `FEW_STRETCH`, the more the fewer they are; and where all distances are 0, nothing is unlike.
    """
    least = int(np.ceil(share / (1 - share)))
    if distances[-1] == 0:
        return float(np.inf)
    if len(distances) >= least:
        return float(np.quantile(distances, share))
    return float(distances[-1]) * (1 + FEW_STRETCH * (1 - len(distances) / least))


def _whitener(centred: np.ndarray, freedom: int) -> np.ndarray:
    """Float[features, features]: the inverse square root of the covariance, shrunk towards equal spread.

    The shrinkage is the oracle-approximating one; with fewer items than features it is what keeps the inverse sane.
    """
    features = centred.shape[1]
    covariance = centred.T @ centred / max(freedom, 1)
    spread = np.trace(covariance) / features
    if spread <= 0:  # every item sits on its centre, as with one item a class
        return np.eye(features)
    squared, trace = np.square(covariance).sum(), np.trace(covariance)
    above = (1 - 2 / features) * squared + trace**2
    below = (max(freedom, 1) + 1 - 2 / features) * (squared - trace**2 / features)
    shrinkage = 1.0 if below <= 0 else min(1.0, above / below)
    values, vectors = np.linalg.eigh((1 - shrinkage) * covariance + shrinkage * spread * np.eye(features))
    return vectors / np.sqrt(np.maximum(values, LEAST_SPREAD * spread))
