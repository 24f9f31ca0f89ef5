"""The probabilities that it states are not how often it is right.

**What it sees.** The mean gap between stated probability and share of right answers over fifteen equally filled bins
of validation items, less what chance gives where every probability is right.

**Why it is bad.** Whoever decides by the probabilities (what to look at, what to leave to a person) decides wrongly.

**Known false alarms.** On few items the gap is large by chance; what chance gives is taken off, and the rest must be
clearly more than that.

**What to do.** penjing learns a temperature on validation; where that is not enough, more validation items, folds, or
label smoothing.

Source: M. P. Naeini, G. Cooper, M. Hauskrecht, Bayesian binning, AAAI 2015; the bias: R. Roelofs et al., Mitigating
bias in calibration error estimation, AISTATS 2022. We take off what is drawn under right probabilities.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from penjing.checks import HAMPERS, class_answers
from penjing.checks._examples import example_classes
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("items.target", "items.predicted", "items.probability", "items.model")
FOLLOWS = (
    *HAMPERS,
    "drift",
    "label_errors",
    "not_learning",
    "underfit",
)
PICTURE = "reliability"
FEWEST = 100  # items
BINS, DRAWS = 15, 200
GAP = 0.05  # more than chance gives
RARE = 0.999  # of the draws that must be below it


def look(record: Record) -> Finding | None:
    """How far its probabilities are off, or None."""
    assert record.items is not None
    items = class_answers(record)
    if len(items) < FEWEST:
        return None
    stated = items["probability"].list.max().to_numpy().astype(np.float64)
    right = (items["target"] == items["predicted"]).to_numpy()
    order, draw = np.argsort(stated, kind="stable"), np.random.default_rng(0)
    stated, right = stated[order], right[order]  # sorted once, for all draws
    gap = calibration_error(stated, right)
    chance = np.array([calibration_error(stated, draw.random(len(stated)) < stated) for _ in range(DRAWS)])
    excess = gap - float(chance.mean())
    if excess < GAP or gap <= float(np.quantile(chance, RARE)):
        return None
    share, mean = float(right.mean()), float(stated.mean())
    too = "sure" if mean > share else "modest"
    return Finding(
        name="miscalibrated",
        level="warning",
        message=f"Its probabilities are too {too}: it states {mean:.0%} on average and is right in {share:.0%}; over "
        f"all degrees of sureness the gap is {gap:.1%}, where chance would give {chance.mean():.1%}. More validation "
        "items or --folds 5 let it be corrected better.",
        evidence={"gap": gap, "chance": float(chance.mean()), "stated": mean, "right": share},
        remedies=("--folds 5",),
    )


def calibration_error(stated: Float[np.ndarray, " items"], right: Bool[np.ndarray, " items"]) -> float:
    """The mean gap between stated probability and share of right answers, over equally filled bins."""
    _, place = np.unique(stated, return_inverse=True)  # in their order; equal ones share their gap
    gaps = (np.bincount(place, stated - right) / np.bincount(place))[np.sort(place)]
    parts = np.array_split(gaps, min(BINS, len(gaps)))
    return float(sum(abs(part.sum()) for part in parts) / len(gaps))


def sick() -> Record:
    """A network that states 95 % and is right in 70 of 100."""
    return _example(0.95, 70)


def healthy() -> Record:
    """A network that states 72 % and is right in 70 of 100."""
    return _example(0.72, 70)


def _example(sure: float, right: int) -> Record:
    other = {"cat": "dog", "dog": "cat"}
    truth = [("cat", "dog")[row % 2] for row in range(300)]
    said = [(name, name if row % 100 < right else other[name], sure) for row, name in enumerate(truth)]
    return example_classes({"network": said})
