"""The items a floor learns from, and which of them are taken when not all can be."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from penjing.core.randomness import stream
from penjing.core.statistics import Metric

IMBALANCE = 1.5  # most items a class over fewest, from which class weights are tried


@dataclass(frozen=True)
class Examples:
    """Training and validation items as the floor sees them, and the metric that chooses.

    Attributes:
        x: Float32[items, features] of training items, y their classes.
        x_valid: the same of validation items, y_valid their classes; there may be none.
        classes: number of classes.
        order: Int[items], training rows in the order in which they are taken when not all can be.
    """

    x: np.ndarray
    y: np.ndarray
    x_valid: np.ndarray
    y_valid: np.ndarray
    classes: int
    order: np.ndarray
    metric: Metric

    def some(self, items: int) -> tuple[np.ndarray, np.ndarray]:
        """The first `items` training items, stratified; all of them as they stand when there are no more."""
        if items >= len(self.y):
            return self.x, self.y
        rows = np.sort(self.order[:items])
        return self.x[rows], self.y[rows]

    @property
    def class_weights(self) -> tuple[str, ...]:
        """The class weights worth a trial."""
        counts = np.bincount(self.y)
        counts = counts[counts > 0]
        return ("none", "balanced") if counts.max() > IMBALANCE * counts.min() else ("none",)


def stratified_order(y: np.ndarray, seed: int) -> np.ndarray:
    """Int[items]: rows in an order whose every beginning holds the classes in their shares, each at least once."""
    shuffled = stream(seed, "floor:order").permutation(len(y))
    counts = np.bincount(y)
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    place = (np.arange(len(y)) - starts) / counts[y[by_class]]
    return by_class[np.argsort(place, kind="stable")]


def clean(features: np.ndarray) -> np.ndarray:
    """Float32[items, features] in which what is not finite is 0."""
    return np.nan_to_num(np.asarray(features, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let NumPy and scikit-learn use one thread in here."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):
        yield


@contextmanager
def quiet_sklearn() -> Iterator[None]:
    """Keep scikit-learn's warnings to itself: of fits stopped early and of few items a class, which are meant here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"sklearn\.")
        yield
