"""What a change was worth, in pairs of trainings or of networks, and the verdict on it.

The unit is the group where the data have groups, else the item (see `core.spread`).

Sources: B. Efron (1979), "Bootstrap methods: another look at the jackknife"; F. E. Satterthwaite (1946), "An
approximate distribution of estimates of variance components", for few trainings; S. Holm (1979), "A simple
sequentially rejective multiple test procedure", for several differences at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from penjing.core.errors import UsageError
from penjing.core.randomness import stream
from penjing.core.spread import student_t, two_sided, unit_of_item
from penjing.core.statistics import CONFIDENCE, Metric, check, resampled, resamples

LEAST_SEEDS = 3
MANY_SEEDS = 9  # from which on they tell well enough how much trainings differ
PUT_BACK = 1 / 3  # see `_Doubt`
LEAST_EFFECT = 0.002  # 0.2 points: a smaller gain is not worth a remedy, however certain; see `least_effect`

Verdict = Literal["helped", "no clear effect", "hurt"]


@dataclass(frozen=True)
class Difference:
    """What a change was worth, measured in pairs.

    Attributes:
        effect: improvement of the metric (positive is better, whatever the metric's direction).
        low: lower end of its 95% interval.
        high: upper end of its 95% interval.
        p_value: chance of a difference this far from none, two-sided, by the bootstrap.
        seeds: number of paired seeds.
        units: number of independent units.
    """

    effect: float
    low: float
    high: float
    p_value: float
    seeds: int
    units: int


def paired_difference(
    metric: Metric,
    truth: np.ndarray,
    before: Sequence[np.ndarray],
    after: Sequence[np.ndarray],
    groups: Sequence[object] | np.ndarray | None = None,
    seed: int = 0,
    n: int | None = None,
) -> Difference:
    """What changing `before` into `after` was worth, on the same items with the same seeds; see `difference`.

    Args:
        truth: Int[items].
        before: one Float[items, classes] a seed.
        after: the same with the change, the seeds in the same order.
        n: resamples; None takes as many as there is use for.

    Raises:
        UsageError: the seeds do not pair, or there are fewer than `LEAST_SEEDS`.
    """
    if len(before) != len(after):
        raise UsageError(
            f"a paired difference needs the same seeds before and after; there are {len(before)} before and "
            f"{len(after)} after"
        )
    every = np.arange(len(truth))
    turns = [Turn(every, old, new, np.zeros_like(every)) for old, new in zip(before, after, strict=True)]
    return difference(metric, truth, turns, groups, seed, n)


@dataclass(frozen=True)
class Turn:
    """What trainings without and with a change say of items that each of them judges once, on either side.

    Attributes:
        rows: Int[judged], which of all items.
        before: Float[judged, outputs], without the change.
        after: the same with it.
        part: Int[judged], by which training of the turn each item is judged, from 0 on: folds share out the items.
    """

    rows: np.ndarray
    before: np.ndarray
    after: np.ndarray
    part: np.ndarray

    @property
    def trainings(self) -> int:
        """Of either side."""
        return int(self.part.max()) + 1


def difference(
    metric: Metric,
    truth: np.ndarray,
    turns: Sequence[Turn],
    groups: Sequence[object] | np.ndarray | None = None,
    seed: int = 0,
    n: int | None = None,
) -> Difference:
    """What a change was worth in pairs of trainings, one without and one with it, of the same seed on the same items.

    The effect is the mean over turns of the difference of the metric; its interval is a bootstrap over trainings and
    units at once, so one lucky seed or one easy group is no proof. Few trainings say little of how much trainings
    differ, so it is widened as Student's t is (`_widened`).

    Args:
        truth: Int[items], or Float[items] of numbers; every item is judged in some turn.
        turns: together of `LEAST_SEEDS` trainings a side or more, each with a seed of its own.
        n: resamples; None takes `resamples` of so many units, measured as often as there are trainings.

    Raises:
        UsageError: there are fewer trainings.
    """
    trainings = sum(turn.trainings for turn in turns)
    if trainings < LEAST_SEEDS:
        raise UsageError(f"a difference needs {LEAST_SEEDS} seeds or more; there are {trainings}")
    for turn in turns:
        for probability in (turn.before, turn.after):
            check(metric, truth[turn.rows], probability)
    unit = unit_of_item(groups, len(truth))
    units, measured = int(unit.max()) + 1, [_Measured(metric, truth, turn) for turn in turns]
    if units == 1:  # it says nothing of others, and every resample would be the same
        known = np.concatenate([one.gained(np.ones(len(truth))) for one in measured])
        return _told(np.array([]), known, _Doubt(0.0, 1.0), units)
    n = n or resamples(units * trainings // LEAST_SEEDS)

    def gained(weight: np.ndarray) -> np.ndarray:
        return np.concatenate([one.gained(weight) for one in measured])

    # A change in one training of a turn is worth so many times less than in all of them; turns count the same.
    each = gained(np.ones(len(truth)))
    chosen = stream(seed, "bootstrap:seeds").integers(trainings, size=(n, trainings))
    gains = np.array([gained(weight[unit]) for weight in resampled(units, seed, n)])
    whole = gains.mean(axis=1)
    of_both = float(np.nanvar(gains - whole[:, None], axis=0).mean()) / (trainings - 1)  # units, to single seeds
    draws = np.take_along_axis(gains, chosen, axis=1).mean(axis=1)
    return _told(draws, each, _Doubt.of(each, of_both, float(np.nanvar(whole)), units), units)


def network_difference(
    metric: Metric,
    truth: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    groups: Sequence[object] | np.ndarray | None = None,
    seed: int = 0,
    n: int | None = None,
) -> Difference:
    """What one network is worth beside another on the same items, by a bootstrap over units: of these two networks, and
    not of what they were trained with.

    Args:
        truth: Int[items], or Float[items] of numbers.
        before: Float[items, outputs], what the one answers.
        after: what the other answers.
        n: resamples; None takes as many as there is use for.

    Raises:
        UsageError: there is no item, or the arrays do not have one entry an item.
        RunError: an answer is not a number.
    """
    for answer in (before, after):
        check(metric, truth, answer)
    unit = unit_of_item(groups, len(truth))
    units = int(unit.max()) + 1
    measured = _Measured(
        metric, truth, Turn(np.arange(len(truth)), before, after, np.zeros(len(truth), dtype=np.int64))
    )
    each = measured.gained(np.ones(len(truth)))
    draws = np.array([measured.gained(weight[unit])[0] for weight in resampled(units, seed, n or resamples(units))])
    known = draws[np.isfinite(draws)] if units > 1 else draws[:0]
    variance = float(known.var()) if len(known) else 0.0
    return _told(known, each, _Doubt(variance, max(1.0, units - 1.0)), units)


class _Measured:
    """A turn, made ready to be measured again and again."""

    def __init__(self, metric: Metric, truth: np.ndarray, turn: Turn) -> None:
        self._combine, self._rows = metric.combine, turn.rows
        self._sign = 1.0 if metric.is_higher_better else -1.0
        truth = truth[turn.rows]
        self._before, self._after = (metric.prepare(truth, side) for side in (turn.before, turn.after))
        columns = (slice(None),) + (None,) * (turn.before.ndim - 1)
        self._parts = [
            metric.prepare(truth, np.where((turn.part == number)[columns], turn.after, turn.before))
            for number in range(turn.trainings if turn.trainings > 1 else 0)
        ]

    def gained(self, weight: np.ndarray) -> np.ndarray:
        """Float[trainings]: what the change gained in each training, their mean being what it gained in all."""
        weight = weight[self._rows]
        before = self._combine(self._before, weight)
        whole = self._combine(self._after, weight) - before
        if not self._parts:
            return self._sign * np.array([whole])
        alone = len(self._parts) * np.array([self._combine(part, weight) - before for part in self._parts])
        return self._sign * (alone + (whole - alone.mean()))


@dataclass(frozen=True)
class _Doubt:
    """How far an effect may lie from what was measured.

    Attributes:
        variance: of the effect, by what both trainings and units leave open.
        freedom: degrees of freedom of that variance, 1 or more.
    """

    variance: float
    freedom: float

    @classmethod
    def of(cls, each: np.ndarray, of_both: float, of_units: float, units: int) -> _Doubt:
        """The doubt of trainings and units that are crossed.

        Trainings differ by their seeds, and by what each says of single units, which the variance over units holds
        already: it is taken off, once. What is left is uncertain by what it was taken from, so for the degrees of
        freedom a third of that is put back: with none of it intervals of three trainings miss too often, and with all
        of it they say nothing (`bench/seed_noise.py`).

        Source: F. E. Satterthwaite (1946), An approximate distribution of estimates of variance components.

        Args:
            each: Float[trainings], the effect of each.
            of_both: the part of the variance of their mean that single units bring.
            of_units: the variance of the effect over units.
            units: their number.
        """
        trainings = len(each)
        whole = float(each.var(ddof=1)) / trainings
        of_seeds = max(0.0, whole - of_both)
        told_by = of_seeds + PUT_BACK * (whole - of_seeds)
        uncertain = told_by**2 / (trainings - 1) + of_units**2 / max(units - 1, 1)
        variance = of_seeds + of_units
        return cls(variance, max(1.0, variance**2 / uncertain) if uncertain else 1.0)

    @property
    def half_width(self) -> float:
        """Of the 95% interval, by Student's t."""
        return student_t((1 + CONFIDENCE) / 2, int(self.freedom)) * math.sqrt(self.variance)


def _told(draws: np.ndarray, each: np.ndarray, doubt: _Doubt, units: int) -> Difference:
    """The difference that a bootstrap found.

    Args:
        draws: Float[resamples], the effect in each.
        each: Float[trainings], the effect of each.
        doubt: how far that may be off.
        units: their number.
    """
    effect, known = float(each.mean()), draws[np.isfinite(draws)]
    if not len(known):
        return Difference(effect, -math.inf, math.inf, 1.0, len(each), units)
    wide = _widened(known, effect, doubt, len(each))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(wide, [tail, 1 - tail])
    beyond = min((wide <= 0).sum(), (wide >= 0).sum())
    p_value = min(1.0, 2 * (beyond + 1) / (len(wide) + 1))
    if doubt.variance:  # draws of few trainings end at the worst of them, and Student's t does not
        p_value = max(p_value, two_sided(abs(effect) / math.sqrt(doubt.variance), int(doubt.freedom)))
    if not wide.std():  # all units agree, which few of them do by chance
        p_value = max(p_value, 2.0 ** (1 - units))
        low, high = (min(low, 0.0), max(high, 0.0)) if p_value > 1 - CONFIDENCE else (low, high)
    return Difference(effect, float(low), float(high), float(p_value), len(each), units)


def _widened(draws: np.ndarray, effect: float, doubt: _Doubt, trainings: int) -> np.ndarray:
    """The draws with the half-width that the doubt has; their shape, which may be skewed, stays.

    A bootstrap of n values has (n − 1)/n of their variance and takes it for known, and one of both trainings and units
    counts twice and more what single trainings say of single units. Few trainings tell their own variance so badly that
    the wider of the two is right more often (`bench/seed_noise.py`, `bench/treat_noise.py`).

    Args:
        trainings: a side.
    """
    spread = float(draws.std())
    if not doubt.variance or not spread:
        return draws
    wider = doubt.half_width / (NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * spread)
    return effect + (max(1.0, wider) if trainings < MANY_SEEDS else wider) * (draws - effect)


def least_effect(metric: Metric, value: float) -> float:
    """The smallest gain that is worth a remedy: 0.2 points, or 0.2% of what a metric without an upper bound is.

    Args:
        value: of the metric, before.
    """
    return LEAST_EFFECT if math.isfinite(metric.bounds[1]) else LEAST_EFFECT * abs(value)


def judge(
    differences: Sequence[Difference],
    least_effect: float = LEAST_EFFECT,
    weights: Sequence[float] | None = None,
    rounds: int = 1,
) -> list[Verdict]:
    """The verdict on each of several changes that were tried side by side, Holm-corrected over all of them.

    *helped*: its interval lies above zero, it still counts after the correction, and it is worth at least
    `least_effect`; *hurt* is the mirror image; all else is *no clear effect*.

    Args:
        weights: how much of the level each has, as in `holm`.
        rounds: of verdicts on the same items, this one among them, each of which has its share of the level.
    """

    def verdict(difference: Difference, p_value: float) -> Verdict:
        if p_value > 1 - CONFIDENCE or abs(difference.effect) < least_effect:
            return "no clear effect"
        if difference.low > 0:
            return "helped"
        return "hurt" if difference.high < 0 else "no clear effect"

    corrected = [rounds * one for one in holm([difference.p_value for difference in differences], weights)]
    return [verdict(difference, p_value) for difference, p_value in zip(differences, corrected, strict=True)]


def holm(p_values: Sequence[float], weights: Sequence[float] | None = None) -> list[float]:
    """Holm's corrected p-values, in the order given: each may be compared with the level on its own.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, 1979, with weights as there.

    Args:
        weights: above 0, how much of the level each has, settled before anything is seen; None shares it equally.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    weight = np.ones(len(p_values)) if weights is None else np.asarray(weights, dtype=float)
    weighed = np.asarray(p_values, dtype=float) / weight
    order = np.argsort(weighed, kind="stable")
    left = np.cumsum(weight[order][::-1])[::-1]  # of the weights, when each one's turn comes
    corrected = np.minimum(1.0, np.maximum.accumulate(weighed[order] * left))
    found = np.empty(len(p_values))
    found[order] = corrected
    return found.tolist()
