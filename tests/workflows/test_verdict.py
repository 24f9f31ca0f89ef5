"""Verdicts: what does nothing is hardly ever called helped, what helps is, and only what helps together is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from penjing.core import plugins
from penjing.core.differences import Difference, Turn, Verdict, difference, paired_difference
from penjing.core.statistics import FEWEST_RESAMPLES
from penjing.workflows._verdict import Arm, Judged, affordable, judged

ACCURACY = plugins.load("tasks", "classify").metric("accuracy")
ITEMS, SEEDS, RESAMPLES = 250, 3, 300


def arm(draw: np.random.Generator, truth: np.ndarray, knows: np.ndarray) -> list[np.ndarray]:
    """Answers of one network a seed, each right with the item's own probability."""
    found = []
    for _ in range(SEEDS):
        right = draw.random(len(truth)) < knows
        said = np.where(right, truth, (truth + draw.integers(1, 4, len(truth))) % 4)
        found.append(np.eye(4, dtype=np.float32)[said])
    return found


def whole(truth: np.ndarray) -> Callable[[Arm, Arm], Difference]:
    """Every seed judges every item."""
    return lambda before, after: paired_difference(ACCURACY, truth, before, after, None, n=RESAMPLES)


def apart(truth: np.ndarray) -> Callable[[Arm, Arm], Difference]:
    """Every seed judges a third of the items."""
    rows = np.arange(len(truth))
    part = rows % SEEDS

    def told(before: Arm, after: Arm) -> Difference:
        sides = [np.stack(side)[part, rows] for side in (before, after)]
        return difference(ACCURACY, truth, [Turn(rows, *sides, part)], n=RESAMPLES)

    return told


def share_helped(gain: float, trials: int, how: Callable[[np.ndarray], Callable[[Arm, Arm], Difference]]) -> float:
    """How often a remedy is called helped that makes every item's answer right more often by `gain`."""
    helped = 0
    for trial in range(trials):
        draw = np.random.default_rng(trial)
        truth, knows = draw.integers(0, 4, ITEMS), draw.beta(4, 1, ITEMS) * (1 - gain)
        arms = [arm(draw, truth, knows), arm(draw, truth, knows + gain)]
        told = judged(how(truth), arms)
        helped += told.stages[0][1] == "helped"
    return helped / trials


@pytest.mark.parametrize("how", [whole, apart])
def test_a_remedy_that_only_adds_noise_is_not_called_helped(how: Any) -> None:
    trials = 100
    # With the share that is asked for, 5 %, so many or more would happen once in a hundred times.
    assert share_helped(0.0, trials, how) * trials < binom.ppf(0.99, trials, 0.05)


@pytest.mark.parametrize("how", [whole, apart])
def test_seeds_that_differ_widely_are_not_taken_for_an_effect(how: Any) -> None:
    """Networks whose accuracy moves by five points with the seed, and items in plenty: three lucky seeds of eight."""
    trials, helped = 100, 0
    for trial in range(trials):
        draw = np.random.default_rng(trial)
        truth = draw.integers(0, 4, 8 * ITEMS)
        sides = [
            [arm(draw, truth, np.full(len(truth), 0.7 + 0.05 * draw.normal()))[0] for _ in range(SEEDS)]
            for _ in range(2)
        ]
        helped += judged(how(truth), sides).stages[0][1] == "helped"
    assert helped < binom.ppf(0.99, trials, 0.05)


@pytest.mark.parametrize(("how", "gain"), [(whole, 0.1), (apart, 0.2)])
def test_a_remedy_that_helps_much_is_found(how: Any, gain: float) -> None:
    assert share_helped(gain, 100, how) >= 0.9


def told(*verdicts: Verdict, together: Sequence[Verdict] = (), further: Sequence[Verdict] = ()) -> Judged:
    nothing = Difference(0.0, 0.0, 0.0, 1.0, 3, 90)

    def pairs(names: Sequence[Verdict]) -> tuple[tuple[Difference, Verdict], ...]:
        return tuple((nothing, name) for name in names)

    return Judged(pairs(verdicts), pairs([verdicts[0], *together]), pairs(further))


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (told("helped"), 1),
        (told("no clear effect"), 0),
        (told("hurt"), 0),
        (told("helped", "helped", together=["helped"]), 2),
        (told("helped", "no clear effect", together=["helped"]), 1),
        (told("helped", "helped", together=["no clear effect"]), 1),
        (told("no clear effect", "no clear effect", together=["helped"]), 2),
        (told("no clear effect", "no clear effect", together=["no clear effect"]), 0),
        (told("hurt", "helped", together=["helped"]), 0),
        (told("no clear effect", "hurt", together=["helped"]), 0),
        (told("no clear effect", "no clear effect", "hurt", together=["helped", "helped"]), 2),
    ],
)
def test_what_helped_alone_and_together_is_kept_and_else_what_only_helped_together(found: Judged, kept: int) -> None:
    assert found.kept == kept


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (told("no clear effect", "helped", together=["helped"]), 2),
        (told("no clear effect", "helped", together=["no clear effect"]), 0),
        (told("hurt", "helped", together=["helped"]), 0),
        (told("helped", "no clear effect", "helped", "hurt", together=["helped", "helped", "helped"]), 3),
        (told("no clear effect", together=[]), 0),
    ],
)
def test_what_helped_on_top_of_others_is_kept_with_them_where_all_helped_together(found: Judged, kept: int) -> None:
    assert found.kept_together == kept


def test_a_stage_after_one_that_did_not_help_is_not_in_order() -> None:
    assert told("helped", "helped", together=["helped"]).is_in_order
    assert not told("hurt", "helped", together=["helped"]).is_in_order


def test_every_stage_is_held_against_the_one_before_and_all_against_none() -> None:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 4, ITEMS)
    arms = [arm(draw, truth, np.full(ITEMS, knows)) for knows in (0.3, 0.6, 0.9)]
    found = judged(whole(truth), arms, [arms[0]])
    scores = [float(np.mean([ACCURACY(truth, answer) for answer in one])) for one in arms]
    assert [difference.effect for difference, _ in found.stages] == pytest.approx(np.diff(scores).tolist())
    assert [difference.effect for difference, _ in found.together] == pytest.approx(
        [scores[1] - scores[0], scores[2] - scores[0]]
    )
    assert found.further[0][0].effect == 0.0
    assert found.further[0][1] == "no clear effect"
    assert found.kept == 2


def test_whether_all_together_help_has_half_of_the_level() -> None:
    """Three stages, whose sum is clear enough for one test of two and not for one of five."""
    p_values = iter(2 * [0.2, 0.3, 0.4, 0.2, 0.02])

    def told(*_: Any) -> Difference:
        return Difference(0.03, 0.01, 0.05, next(p_values), SEEDS, ITEMS)

    arms: list[Any] = [[]] * 4
    found = judged(told, arms)
    assert [verdict for _, verdict in found.together] == ["no clear effect", "no clear effect", "helped"]
    assert (found.helped, found.kept) == ([], 3)
    again = judged(told, arms, rounds=2)  # the same in a second round of verdicts on the same items
    assert (again.helped, again.kept) == ([], 0)


def test_a_slow_metric_of_ones_own_is_measured_less_often() -> None:
    truth, answer = np.zeros(4, dtype=int), np.eye(4)

    def slow(*_: Any) -> float:
        time.sleep(0.01)
        return 0.5

    own = replace(ACCURACY, prepare=lambda *_: None, combine=slow, are_bounds_known=False)
    assert affordable(own, truth, answer, calls=5, seconds=30.0) in range(FEWEST_RESAMPLES, 601)
    assert affordable(own, truth, answer, calls=5, seconds=0.1) == FEWEST_RESAMPLES
    assert affordable(own, truth, answer, calls=5, seconds=1e9) is None
    assert affordable(ACCURACY, truth, answer, calls=5, seconds=0.0) is None
