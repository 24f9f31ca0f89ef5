"""The probabilities that it states are not how often it is right.

**What it sees.** Right (1 or 0) less stated probability, summed over validation items from the least sure to the
surest: the range of that sum, as a share of the items, is what no choice of bins changes. And the same summed within
the items that are given one class, for opposite errors of two classes cancel out over all. Either is held against what
chance gives where every probability is right; that is as much wider as the gaps of one group are alike.

**Why it is bad.** Whoever decides by the probabilities (what to look at, what to leave to a person) decides wrongly.

**Known false alarms.** On few items the gap is large by chance; what chance gives is taken off, and the rest must be
clearly more than that.

**What to do.** penjing learns a temperature on validation; where that is not enough, more validation items, folds, or
label smoothing.

Source: I. Arrieta-Ibarra et al., Metrics of calibration for probabilistic predictions, JMLR 2022, for the range; M. P.
Naeini, G. Cooper, M. Hauskrecht, Bayesian binning, AAAI 2015, for the expected calibration error, which the sentence
names because people know it. We take off what is drawn under right probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from penjing.checks import HAMPERS, class_answers, clustering, units_of
from penjing.checks._examples import example_classes
from penjing.checks._stated import stated as stated_of
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("items.target", "items.predicted", "items.probability", "items.model")
FOLLOWS = (
    *HAMPERS,
    "drift",
    "label_errors",
    "few_examples",
    "not_learning",
    "underfit",
)
PICTURE = "reliability"
FEWEST = 100  # items
BINS = 15  # of the expected calibration error
DRAWS = 1000  # under right probabilities
FEW = 200  # of these, for what chance gives of the calibration error
GAP = 0.05  # of the items, more than chance gives
CHANCE = 0.005  # of as much where probabilities are right, over both numbers


def look(record: Record) -> Finding | None:
    """How far its probabilities are off, or None."""
    assert record.items is not None
    items = class_answers(record)
    if len(items) < FEWEST:
        return None
    stated = stated_of(items)
    right = (items["target"] == items["predicted"]).to_numpy()
    said, place = np.unique(items["predicted"].to_numpy(), return_inverse=True)
    seen = _Seen(stated, place)
    wider = clustering(right - stated, units_of(items))
    if not math.isfinite(wider):  # one group tells nothing of others
        return None
    chance = wider * np.array([seen.gaps(one) for one in _drawn(stated, DRAWS)])
    found = seen.gaps(right)
    p_values = (1 + (chance >= found).sum(0)) / (1 + DRAWS)
    is_off = (found - chance.mean(0) >= GAP) & (p_values * len(found) <= CHANCE)
    if not is_off.any():
        return None
    by_chances = [calibration_error(stated[seen.order], one[seen.order]) for one in _drawn(stated, FEW)]
    by_chance = wider * float(np.mean(by_chances))
    gap = calibration_error(stated[seen.order], right[seen.order])
    told = _over_all(stated, right, float(found[0])) if is_off[0] else _by_class(stated, right, place, said.tolist())
    return Finding(
        name="miscalibrated",
        level="warning",
        message=f"{told}; over all degrees of sureness the expected calibration error is {gap:.1%}, where chance would "
        f"give {by_chance:.1%}. More validation items or --folds 5 let it be corrected better.",
        evidence={
            "gap": gap,
            "chance": by_chance,
            "stated": float(stated.mean()),
            "right": float(right.mean()),
            "range": float(found[0]),
            "by_class": float(found[1]),
        },
        remedies=("--folds 5",),
    )


def _drawn(stated: Float[np.ndarray, " items"], times: int) -> Iterator[Bool[np.ndarray, " items"]]:
    """What is right where every probability is, the same at each call and one at a time: all of them take much room."""
    draw = np.random.default_rng(0)
    for _ in range(times):
        yield draw.random(len(stated)) < stated


def _over_all(stated: Float[np.ndarray, " items"], right: Bool[np.ndarray, " items"], widest: float) -> str:
    share, mean = float(right.mean()), float(stated.mean())
    if abs(share - mean) < widest / 2:  # most of it cancels out
        both = "too sure in some places and too modest in others"
        return f"Its probabilities are {both}: it states {mean:.0%} on average"
    too = "sure" if mean > share else "modest"
    return f"Its probabilities are too {too}: it states {mean:.0%} on average and is right in {share:.0%}"


def _by_class(
    stated: Float[np.ndarray, " items"],
    right: Bool[np.ndarray, " items"],
    place: Int[np.ndarray, " items"],
    said: Sequence[object],
) -> str:
    """Where it is off by most items."""
    worst = int(np.abs(np.bincount(place, right - stated)).argmax())
    mean, share = float(stated[place == worst].mean()), float(right[place == worst].mean())
    return f'Its probabilities are off by class: "{said[worst]}" is stated with {mean:.0%} and right in {share:.0%}'


class _Seen:
    """What is stated of some items, and of what class.

    Args:
        stated: the probability of the answer.
        place: the number of the class that is the answer.
    """

    def __init__(self, stated: Float[np.ndarray, " items"], place: Int[np.ndarray, " items"]) -> None:
        self.stated, self.place = stated, place
        self.order = np.argsort(stated, kind="stable")
        in_order = stated[self.order]
        self.is_last = np.r_[in_order[1:] > in_order[:-1], True]  # equal statements have no order among themselves

    def gaps(self, right: Bool[np.ndarray, " items"]) -> Float[np.ndarray, "2"]:
        """The range of the sum of gaps in the order of sureness, and what the sums of all classes come to; both as
        shares of the items."""
        gap = right - self.stated
        running = np.r_[0.0, np.cumsum(gap[self.order])[self.is_last]]
        by_class = np.abs(np.bincount(self.place, gap)).sum()
        return np.array([running.max() - running.min(), by_class]) / len(gap)


def calibration_error(stated: Float[np.ndarray, " items"], right: Bool[np.ndarray, " items"]) -> float:
    """The mean gap between stated probability and share of right answers, over equally filled bins."""
    _, place = np.unique(stated, return_inverse=True)  # in their order; equal ones share their gap
    gaps = (np.bincount(place, stated - right) / np.bincount(place))[np.sort(place)]
    parts = np.array_split(gaps, min(BINS, len(gaps)))
    return float(sum(abs(part.sum()) for part in parts) / len(gaps))


def sick() -> Record:
    """A network that states 95% and is right in 70 of 100."""
    return _example(0.95, 70)


def healthy() -> Record:
    """A network that states 72% and is right in 70 of 100."""
    return _example(0.72, 70)


def _example(sure: float, right: int) -> Record:
    other = {"cat": "dog", "dog": "cat"}
    truth = [("cat", "dog")[row % 2] for row in range(300)]
    said = [(name, name if row % 100 < right else other[name], sure) for row, name in enumerate(truth)]
    return example_classes({"network": said})
