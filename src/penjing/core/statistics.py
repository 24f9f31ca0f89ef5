"""How sure a number is: 95% intervals of scores.

The unit is the group where the data have groups, else the item (see `core.spread`). Everything here takes a `Metric`,
which knows how to weigh items; a task gives them names.

Sources: E. B. Wilson (1927), "Probable inference, the law of succession, and statistical inference", for shares;
B. Efron (1979), "Bootstrap methods: another look at the jackknife", for all else; T. Hesterberg (2015), "What
teachers should know about the bootstrap", for widening it when units are few.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from penjing.core.errors import RunError, UsageError
from penjing.core.randomness import stream
from penjing.core.score import Score
from penjing.core.spread import drawn, student_t, unit_of_item

CONFIDENCE = 0.95
RESAMPLES, FEWEST_RESAMPLES = 2000, 400
MOST_DRAWS = 10**7  # of units, in all resamples of one interval together
FAR_OUT = 100.0  # times the range of the middle half, from where on a number outweighs all others in any mean


@dataclass(frozen=True)
class Metric:
    """A number that says how good predictions are, in a form that can be resampled cheaply.

    Attributes:
        name: what people type, such as "accuracy".
        prepare: (truth Int[items], probability Float[items, classes]) → whatever `combine` needs; done once.
        combine: (prepared, weight Float[items]) → the metric when each item counts `weight` times.
        is_higher_better: whether more is better.
        bounds: the least and the greatest value it can take.
        share: prepared → Float[items] of right (1) and wrong (0), for a plain share of items; else None.
        per_class: whether every class counts the same, however few items it has.
        are_bounds_known: whether `bounds` were told; a person's own metric tells none.
    """

    name: str
    prepare: Callable[[np.ndarray, np.ndarray], Any]
    combine: Callable[[Any, np.ndarray], float]
    is_higher_better: bool = True
    bounds: tuple[float, float] = (0.0, 1.0)
    share: Callable[[Any], np.ndarray] | None = None
    per_class: bool = False
    are_bounds_known: bool = True

    def __call__(self, truth: np.ndarray, probability: np.ndarray) -> float:
        """The metric on items that all count the same."""
        return self.combine(self.prepare(truth, probability), np.ones(len(truth)))

    def unit(self, value: float, floor: float) -> float:
        """What a difference of one means: 1 where there is an upper bound, else what the constant answer has (`floor`),
        or how far `value` is from that where there is no bound at all."""
        if math.isfinite(self.bounds[1]):
            return 1.0
        size = abs(floor) if math.isfinite(self.bounds[0]) else abs(value - floor)
        return size or abs(value) or 1.0


def score(
    metric: Metric,
    truth: np.ndarray,
    probability: np.ndarray,
    *,
    part: str,
    groups: Sequence[object] | np.ndarray | None = None,
    seed: int = 0,
) -> Score:
    """The metric on some items, with its 95% interval.

    Args:
        truth: Int[items], the index of each item's class.
        probability: Float[items, classes].
        part: where the items come from, such as "valid".
        groups: each item's group, or None when every item stands alone.

    Raises:
        UsageError: there is no item, or the arrays do not have one entry an item.
        RunError: a probability is not a number.
    """
    low, high = interval(metric, truth, probability, groups, seed)
    value = metric(truth, probability)
    units = int(unit_of_item(groups, len(truth)).max()) + 1
    return Score(value, low, high, len(truth), part, metric.name, units, metric.is_higher_better)


def interval(
    metric: Metric,
    truth: np.ndarray,
    probability: np.ndarray,
    groups: Sequence[object] | np.ndarray | None = None,
    seed: int = 0,
    n: int | None = None,
) -> tuple[float, float]:
    """The 95% interval of a metric: Wilson's for a share of single items, else a bootstrap over units.

    Very many units are resampled less often (`resamples`): their interval is so narrow that a few per cent of its
    width, by which its ends then vary with the seed, are nothing beside the metric.

    Where every resample agrees (nothing wrong, or nothing right) a bootstrap would claim certainty; Wilson's interval
    for the number of units stands in for it. One unit alone says nothing: its interval is all the metric can be.

    Args:
        n: number of resamples; None takes `resamples` of the number of units.

    Raises:
        UsageError: there is no item, or the arrays do not have one entry an item.
        RunError: a probability is not a number.
    """
    check(metric, truth, probability)
    unit = unit_of_item(groups, len(truth))
    units = int(unit.max()) + 1
    prepared = metric.prepare(truth, probability)
    if metric.share is not None and units == len(truth):
        right = metric.share(prepared)
        return wilson(float(right.sum()), units)
    value = metric.combine(prepared, np.ones(len(truth)))
    if units == 1:
        return _bounded(metric, -math.inf, math.inf, value)
    draws = np.array(
        [metric.combine(prepared, weight[unit]) for weight in resampled(units, seed, n or resamples(units))]
    )
    draws = draws[np.isfinite(draws)]
    is_silent = len(draws) == 0 or math.isclose(draws.min(), draws.max(), rel_tol=1e-9, abs_tol=1e-12)
    if is_silent and metric.bounds == (0.0, 1.0):
        return wilson(value * _witnesses(metric, truth, units), _witnesses(metric, truth, units))
    if is_silent:
        return value, value
    if not metric.are_bounds_known and draws.min() >= 0 and draws.max() <= 1:  # nothing speaks against a share
        metric = replace(metric, bounds=(0.0, 1.0))
    return _bounded(metric, *_ends(draws, value, units), value)


def resamples(units: int) -> int:
    """How often an interval resamples so many units: `RESAMPLES` times, less often (never below `FEWEST_RESAMPLES`)
    where that would draw more than `MOST_DRAWS` units.

    Example:
        >>> resamples(20), resamples(20_000)
        (2000, 500)
    """
    return max(FEWEST_RESAMPLES, min(RESAMPLES, MOST_DRAWS // units))


def wilson(right: float, n: float) -> tuple[float, float]:
    """Wilson's 95% interval of a share.

    Args:
        right: how many are right, 0 to n.
        n: how many there are, above 0.

    Example:
        >>> [round(end, 3) for end in wilson(10, 10)]
        [0.722, 1.0]
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share = right / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if share == 0 else max(0.0, middle - half)
    high = 1.0 if share == 1 else min(1.0, middle + half)
    return low, high


def far_out(values: Float[np.ndarray, " items"]) -> Bool[np.ndarray, " items"]:
    """Which numbers lie so far from all others that squares of them are all that a mean of squares holds.

    Where half of the numbers are alike, none does: there is nothing to measure the distance by.
    """
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return (high > low) & (np.abs(values - middle) > FAR_OUT * (high - low))


def check(metric: Metric, truth: np.ndarray, probability: np.ndarray) -> None:
    if len(truth) == 0:
        raise UsageError(f"{metric.name} cannot be measured: there is no item")
    if probability.ndim != 2 or len(probability) != len(truth):
        raise UsageError(
            f"{metric.name} needs one row of probabilities an item: "
            f"there are {len(truth)} items and probabilities of shape {list(probability.shape)}"
        )
    broken = int(np.isnan(probability).any(axis=1).sum())
    if broken:
        raise RunError(
            f"{metric.name} cannot be measured: the probabilities of {broken} of {len(truth)} items are not numbers; "
            "the network diverged: lower the rate, for example --set optimiser.rate=0.0003"
        )


def resampled(units: int, seed: int, n: int) -> Iterator[np.ndarray]:
    """The resamples of an interval: see `drawn`."""
    return drawn(units, stream(seed, "bootstrap:units"), n)


def _witnesses(metric: Metric, truth: np.ndarray, units: int) -> float:
    """How many units a silent bootstrap speaks for; where each class counts the same, the rare ones limit it."""
    if not metric.per_class:
        return float(units)
    counts = np.bincount(truth)
    counts = counts[counts > 0]
    # The variance of a mean of class shares is that of one share over this many items.
    return min(float(units), len(counts) ** 2 / float((1 / counts).sum()))


def _ends(draws: np.ndarray, value: float, units: int) -> tuple[float, float]:
    """The ends of the expanded percentile interval, or of Student's t around the value where they lie further out.

    Few units make either wider, but no resample lies beyond the best and the worst unit, so percentiles alone miss too
    often. What lies beyond them counts as they do in the standard deviation: a few resamples in which hardly anything
    varies would settle it else.
    """
    freedom, level = max(units - 1, 1), (1 + CONFIDENCE) / 2
    wide = math.sqrt(units / freedom) * student_t(level, freedom)
    tail = NormalDist().cdf(-wide)
    low, high = np.quantile(draws, [tail, 1 - tail])
    half = wide * float(np.clip(draws, low, high).std())
    return min(float(low), value - half), max(float(high), value + half)


def _bounded(metric: Metric, low: float, high: float, value: float) -> tuple[float, float]:
    """The interval inside the metric's bounds; an end without one is the value: a file holds no infinity."""
    low, high = max(low, metric.bounds[0]), min(high, metric.bounds[1])
    return low if math.isfinite(low) else value, high if math.isfinite(high) else value
