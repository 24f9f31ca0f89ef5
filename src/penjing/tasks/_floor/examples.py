"""The items a floor learns from, and which of them are taken when not all can be."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from penjing.core import plugins
from penjing.core.randomness import stream
from penjing.core.statistics import Metric
from penjing.tasks._floor.features import Features

IMBALANCE = 1.5  # most items a class over fewest, from which class weights are tried


@dataclass(frozen=True)
class Examples:
    """Training and validation items as the floor sees them, and the metric that chooses.

    Attributes:
        task: name of the task, as in `tasks/`.
        x: training items; y their encoded targets: classes, numbers, or labels Int[items, labels].
        x_valid: the same of validation items, y_valid their targets; there may be none.
        outputs: length of an answer: classes, 1, or labels.
        strata: Int[items], what of y every choice of training items should hold in the same shares.
        order: Int[items], training rows in the order in which they are taken when not all can be.
    """

    task: str
    x: Features
    y: np.ndarray
    x_valid: Features
    y_valid: np.ndarray
    outputs: int
    strata: np.ndarray
    order: np.ndarray
    metric: Metric

    def some(self, items: int) -> tuple[Features, np.ndarray]:
        """The first `items` training items, stratified; all of them as they stand when there are no more."""
        if items >= len(self.y):
            return self.x, self.y
        rows = np.sort(self.order[:items])
        return self.x[rows], self.y[rows]

    @property
    def class_weights(self) -> tuple[str, ...]:
        """The class weights worth a trial."""
        if self.task != "classify":
            return ("none",)
        counts = np.bincount(self.y)
        counts = counts[counts > 0]
        return ("none", "balanced") if counts.max() > IMBALANCE * counts.min() else ("none",)


def strata_of(task: str, y: np.ndarray) -> np.ndarray:
    """Int[items]: the classes, bins of the numbers, or combinations of the labels."""
    found: np.ndarray = plugins.load("tasks", task).stratify(y)
    return found


def stratified_order(y: np.ndarray, seed: int) -> np.ndarray:
    """Int[items]: rows in an order whose every beginning holds the classes in their shares, each at least once."""
    shuffled = stream(seed, "floor:order").permutation(len(y))
    counts = np.bincount(y)
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    place = (np.arange(len(y)) - starts) / counts[y[by_class]]
    return by_class[np.argsort(place, kind="stable")]


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
