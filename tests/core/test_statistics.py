"""Intervals and verdicts, held against formulas by hand, published tables and simulation."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from penjing.core import differences, plugins, statistics
from penjing.core.differences import (
    LEAST_EFFECT,
    Difference,
    Turn,
    difference,
    holm,
    judge,
    least_effect,
    network_difference,
    paired_difference,
)
from penjing.core.errors import RunError, UsageError
from penjing.core.spread import deviation, standard_error, student_t, two_sided, unit_of_item
from penjing.core.statistics import Metric, far_out, interval, resamples, score, wilson


def right_or_wrong(truth: np.ndarray, probability: np.ndarray) -> np.ndarray:
    return (probability.argmax(axis=1) == truth).astype(float)


def mean(values: np.ndarray, weight: np.ndarray) -> float:
    return float(values @ weight / weight.sum())


SHARE = Metric("share", right_or_wrong, mean, share=lambda right: right)
BOOTSTRAPPED = Metric("bootstrapped share", right_or_wrong, mean)
COST = Metric("cost", lambda truth, probability: probability[:, 0], mean, False, (-math.inf, math.inf))


def answers(right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Truth and probabilities of items of which these are right."""
    truth = np.zeros(len(right), dtype=np.int64)
    chance = np.where(right, 0.9, 0.1)
    return truth, np.stack([chance, 1 - chance], axis=1)


def test_weights_share_the_level_out_and_hand_on_what_is_not_needed() -> None:
    assert differences.holm([0.01, 0.04, 0.03], [1, 1, 1]) == pytest.approx(differences.holm([0.01, 0.04, 0.03]))
    assert differences.holm([0.03, 0.02], [1, 3]) == pytest.approx([0.03, 0.02 * 4 / 3])  # then the first has it all
    assert differences.holm([0.001, 0.04], [1, 3]) == pytest.approx([0.004, 0.04])
    assert differences.holm([0.5, 0.9], [1, 1]) == [1.0, 1.0]


def test_the_standard_error_of_a_mean_is_that_of_its_units() -> None:
    values = np.random.default_rng(0).normal(size=60)
    alone = standard_error(values)
    assert alone == pytest.approx(float(values.std(ddof=1)) / math.sqrt(60))
    four_times, unit = np.repeat(values, 4), np.repeat(np.arange(60), 4)
    assert standard_error(four_times, unit) == pytest.approx(alone)
    assert standard_error(four_times) < 0.6 * alone
    assert standard_error(values, np.zeros(60, dtype=int)) == math.inf


def test_the_deviation_of_a_mean_is_its_standard_error_over_units() -> None:
    draws = np.random.default_rng(0)
    values = draws.normal(size=400)
    alone = deviation(lambda weight: mean(values, weight), np.arange(400), draws, n=1000)
    assert alone == pytest.approx(values.std() / 20, rel=0.1)
    grouped = deviation(lambda weight: mean(np.repeat(values[:100], 4), weight), np.repeat(np.arange(100), 4), draws)
    assert grouped == pytest.approx(values[:100].std() / 10, rel=0.2)
    assert deviation(lambda _: math.nan, np.arange(3), draws) == 0.0


def test_a_number_is_far_out_from_a_hundred_ranges_of_the_middle_half_on() -> None:
    numbers = np.array([0.0, 1.0, 2.0, 3.0, 4.0])  # the middle half reaches from 1 to 3
    assert not far_out(numbers).any()
    assert far_out(np.array([*numbers, 500.0])).tolist() == [False] * 5 + [True]
    assert not far_out(np.array([*numbers, 150.0])).any()
    assert not far_out(np.array([1.0] * 9 + [1e9])).any()  # half are alike
    draws = np.random.default_rng(0)
    assert not far_out(draws.lognormal(sigma=1.5, size=10_000)).any()


def test_wilson_interval_agrees_with_the_published_example() -> None:
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662, 15 of 148 gives 0.0624 to 0.1605.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_a_perfect_score_is_not_certain() -> None:
    low, high = interval(SHARE, *answers(np.ones(10, dtype=bool)))
    assert (round(low, 3), high) == (0.722, 1.0)


@pytest.mark.parametrize("metric", [SHARE, BOOTSTRAPPED], ids=["wilson", "bootstrap"])
def test_a_perfect_score_on_grouped_items_is_as_unsure_as_its_few_groups(metric: Metric) -> None:
    truth, probability = answers(np.ones(100, dtype=bool))
    assert interval(metric, truth, probability, np.repeat(np.arange(4), 25)) == pytest.approx(wilson(4, 4))


def test_one_group_alone_says_nothing() -> None:
    truth, probability = answers(np.arange(20) % 2 == 0)
    assert interval(SHARE, truth, probability, ["a"] * 20) == (0.0, 1.0)


def test_groups_that_agree_within_widen_the_interval() -> None:
    right = np.repeat(np.arange(10) % 3 > 0, 20)
    alone = interval(SHARE, *answers(right))
    grouped = interval(SHARE, *answers(right), np.repeat(np.arange(10), 20))
    assert grouped[1] - grouped[0] > 3 * (alone[1] - alone[0])


def test_bootstrap_of_a_share_agrees_with_wilson_on_many_items() -> None:
    right = np.random.default_rng(0).random(1000) < 0.8
    assert interval(BOOTSTRAPPED, *answers(right)) == pytest.approx(wilson(int(right.sum()), 1000), abs=0.005)


def test_an_interval_depends_on_its_seed_and_nothing_else() -> None:
    given = answers(np.random.default_rng(0).random(50) < 0.7)
    first, again, other = (interval(BOOTSTRAPPED, *given, seed=seed, n=200) for seed in (0, 0, 1))
    assert first == again != other


def test_very_many_units_are_resampled_less_often_and_few_as_often_as_ever() -> None:
    assert [resamples(units) for units in (1, 5_000, 10_000, 25_000, 10**8)] == [2000, 2000, 1000, 400, 400]
    combined: list[int] = []

    def counted(values: np.ndarray, weight: np.ndarray) -> float:
        combined.append(len(weight))
        return mean(values, weight)

    metric = Metric("counted", right_or_wrong, counted)
    right = np.random.default_rng(0).random(30_000) < 0.8
    low, high = interval(metric, *answers(right))
    assert len(combined) == 400 + 1  # and once for the value itself
    assert (low, high) == pytest.approx(wilson(int(right.sum()), 30_000), abs=0.001)


@pytest.mark.parametrize(("metric", "units"), [(SHARE, 30), (BOOTSTRAPPED, 30), (BOOTSTRAPPED, 12)])
def test_intervals_hold_the_truth_about_95_times_in_100(metric: Metric, units: int) -> None:
    draws, chance, covered, times = np.random.default_rng(1), 0.7, 0, 400
    for number in range(times):
        low, high = interval(metric, *answers(draws.random(units) < chance), seed=number, n=300)
        covered += low <= chance <= high
    assert 0.925 <= covered / times <= 0.995


def test_grouped_intervals_hold_the_truth_where_items_alone_would_not() -> None:
    draws, grouped, alone, times = np.random.default_rng(2), 0, 0, 200
    groups = np.repeat(np.arange(15), 20)
    for number in range(times):
        skill = draws.beta(2, 2, size=15)  # each group its own, 0.5 on average
        given = answers(draws.random(300) < skill[groups])
        low, high = interval(SHARE, *given, groups, seed=number, n=300)
        grouped += low <= 0.5 <= high
        low, high = interval(SHARE, *given)
        alone += low <= 0.5 <= high
    assert grouped / times >= 0.92
    assert alone / times < 0.75


@pytest.mark.parametrize("units", [2, 3, 4, 6])
def test_intervals_of_very_few_groups_reach_beyond_the_worst_and_the_best_of_them(units: int) -> None:
    draws, covered, times, groups = np.random.default_rng(0), 0, 200, np.repeat(np.arange(units), 30)
    for number in range(times):
        skill = draws.beta(8, 2, size=units)  # each group its own, 0.8 on average
        low, high = interval(SHARE, *answers(draws.random(30 * units) < skill[groups]), groups, seed=number, n=300)
        assert 0.0 <= low <= high <= 1.0
        covered += low <= 0.8 <= high
    assert covered / times >= 0.91  # percentiles alone: 0.63, 0.79, 0.88, 0.92


def test_two_groups_say_what_student_t_of_two_values_says() -> None:
    right = np.concatenate([np.arange(1000) % 100 < 80, np.arange(1000) % 100 < 81])
    low, high = interval(SHARE, *answers(right), np.repeat([0, 1], 1000), n=4000)
    half = 12.706 * 0.005  # times the standard error of the mean of 0.80 and 0.81
    assert (low, high) == pytest.approx((0.805 - half, 0.805 + half), abs=0.003)


def test_what_a_metric_without_known_bounds_gives_as_a_share_stays_one() -> None:
    given = (*answers(np.arange(6) > 0), [0, 0, 0, 1, 1, 1])
    unbounded = replace(BOOTSTRAPPED, bounds=(-math.inf, math.inf))
    low, high = interval(unbounded, *given)
    assert low < 0 < 1 < high
    assert interval(replace(unbounded, are_bounds_known=False), *given) == (0.0, 1.0)
    gain = Metric("gain", lambda truth, probability: 10 * right_or_wrong(truth, probability), mean)
    low, high = interval(replace(gain, bounds=(-math.inf, math.inf), are_bounds_known=False), *given)
    assert low < 0 < 10 < high


def test_a_few_resamples_without_spread_do_not_settle_an_interval() -> None:
    once_far_off = Metric("far", right_or_wrong, lambda right, weight: -1e6 * (weight[0] > 5) + mean(right, weight))
    off = replace(once_far_off, bounds=(-math.inf, 1.0))
    given = answers(np.arange(40) % 4 > 0)
    usual, found = interval(BOOTSTRAPPED, *given), interval(off, *given)
    assert found == pytest.approx(usual, abs=0.02)


@pytest.mark.parametrize(("freedom", "expected"), [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042)])
def test_student_t_agrees_with_the_table(freedom: int, expected: float) -> None:
    assert student_t(0.975, freedom) == pytest.approx(expected, rel=0.01)


def test_a_score_counts_items_and_units() -> None:
    truth, probability = answers(np.arange(6) > 0)
    found = score(SHARE, truth, probability, part="test", groups=["a", "a", "b", "b", None, None])
    assert (found.n, found.units, found.part, found.metric) == (6, 4, "test", "share")
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(5 / 6)


def test_an_item_without_a_group_stands_alone() -> None:
    assert unit_of_item(["a", None, "a", None], 4).tolist() == [0, 1, 0, 2]


def test_groups_that_are_numbers_count_as_groups_that_are_names() -> None:
    numbers = np.random.default_rng(0).integers(-5, 5, 40)
    np.testing.assert_array_equal(unit_of_item(numbers, 40), unit_of_item([str(one) for one in numbers], 40))


def test_wrong_shapes_are_named() -> None:
    truth, probability = answers(np.ones(3, dtype=bool))
    with pytest.raises(UsageError, match="share cannot be measured: there is no item"):
        interval(SHARE, truth[:0], probability[:0])
    with pytest.raises(UsageError, match=r"there are 2 items and probabilities of shape \[3, 2\]"):
        interval(SHARE, truth[:2], probability)
    with pytest.raises(UsageError, match="there are 2 groups for 3 items"):
        interval(SHARE, truth, probability, ["a", "b"])


def test_a_network_that_diverged_is_named_instead_of_scored() -> None:
    truth, probability = answers(np.ones(3, dtype=bool))
    probability[1] = np.nan
    with pytest.raises(RunError, match="the probabilities of 1 of 3 items are not numbers; the network diverged"):
        interval(SHARE, truth, probability)


def test_holm_agrees_with_the_procedure_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert all(a <= b for a, b in pairwise(holm(sorted([0.2, 0.01, 0.03]))))


def seeds_with(shares: list[float], items: int = 400) -> tuple[np.ndarray, list[np.ndarray]]:
    draws = np.random.default_rng(3).random(items)
    return np.zeros(items, dtype=np.int64), [answers(draws < share)[1] for share in shares]


def test_a_real_gain_helped_its_mirror_hurt_and_no_change_has_no_clear_effect() -> None:
    truth, before = seeds_with([0.7, 0.71, 0.69])
    _, after = seeds_with([0.8, 0.81, 0.79])
    gain = paired_difference(SHARE, truth, before, after, n=500)
    assert gain.effect == pytest.approx(0.1, abs=0.03)
    assert gain.low <= gain.effect <= gain.high
    loss = paired_difference(SHARE, truth, after, before, n=500)
    none = paired_difference(SHARE, truth, before, before, n=500)
    assert judge([gain, loss, none]) == ["helped", "hurt", "no clear effect"]


def test_a_metric_where_less_is_better_improves_by_falling() -> None:
    truth, before = seeds_with([0.9, 0.9, 0.9])
    _, after = seeds_with([0.5, 0.5, 0.5])
    assert paired_difference(COST, truth, before, after, n=100).effect > 0.2


def test_one_lucky_seed_is_no_proof() -> None:
    truth, before = seeds_with([0.70, 0.70, 0.70])
    _, after = seeds_with([0.90, 0.69, 0.69])
    assert judge([paired_difference(SHARE, truth, before, after, n=500)]) == ["no clear effect"]


def test_a_certain_gain_too_small_to_matter_has_no_clear_effect() -> None:
    tiny = Difference(LEAST_EFFECT / 2, LEAST_EFFECT / 3, LEAST_EFFECT, 0.001, 3, 1000)
    assert judge([tiny]) == ["no clear effect"]
    assert judge([tiny], least_effect=0.0) == ["helped"]


def test_the_least_effect_of_a_metric_in_units_is_a_share_of_what_it_was() -> None:
    assert least_effect(SHARE, 0.9) == LEAST_EFFECT
    for name in ("mae", "rmse"):
        metric = plugins.load("tasks", "regress").metric(name)
        assert least_effect(metric, 5000.0) == pytest.approx(10.0)
    assert least_effect(plugins.load("tasks", "regress").metric("r2"), 0.3) == LEAST_EFFECT


def test_a_gain_among_many_finalists_must_be_surer() -> None:
    gain = Difference(0.05, 0.01, 0.09, 0.02, 3, 1000)
    nothing = Difference(0.0, -0.05, 0.05, 0.9, 3, 1000)
    assert judge([gain]) == ["helped"]
    assert judge([gain, nothing, nothing])[0] == "no clear effect"


def test_seeds_must_pair_and_be_enough() -> None:
    truth, seeds = seeds_with([0.7, 0.7, 0.7])
    with pytest.raises(UsageError, match="the same seeds before and after; there are 2 before and 3 after"):
        paired_difference(SHARE, truth, seeds[:2], seeds)


@pytest.mark.parametrize("freedom", [1, 2, 5, 30, 900, 50_000])
@pytest.mark.parametrize("t", [0.0, 0.5, 2.0, 5.0])
def test_how_often_student_t_lies_as_far_out(t: float, freedom: int) -> None:
    assert two_sided(t, freedom) == pytest.approx(2 * stats.t.sf(t, freedom), rel=0.02, abs=1e-6)


def test_what_one_network_is_worth_beside_another() -> None:
    draw = np.random.default_rng(0)
    truth = np.zeros(400, dtype=np.int64)
    sides = [np.stack([right, ~right], axis=1).astype(float) for right in draw.random((2, 400)) < [[0.7], [0.8]]]
    found = network_difference(SHARE, truth, *sides)
    gain = sides[1][:, 0] - sides[0][:, 0]
    assert found.effect == pytest.approx(gain.mean())
    assert (found.seeds, found.units) == (1, 400)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * gain.std() / 20, rel=0.1)
    grouped = network_difference(SHARE, truth, *sides, np.arange(400) // 100)
    assert grouped.units == 4
    assert network_difference(SHARE, truth, *sides, np.zeros(400)).p_value == 1.0


@pytest.mark.parametrize(("groups", "is_told"), [(2, False), (5, False), (6, True)])
def test_few_groups_that_agree_are_no_certainty(groups: int, is_told: bool) -> None:
    truth = np.zeros(10 * groups, dtype=np.int64)
    wrong, right = np.tile([0.0, 1.0], (len(truth), 1)), np.tile([1.0, 0.0], (len(truth), 1))
    found = paired_difference(SHARE, truth, [wrong] * 3, [right] * 3, np.repeat(np.arange(groups), 10))
    assert found.effect == 1.0
    assert (found.low > 0) is is_told
    assert (differences.judge([found]) == ["helped"]) is is_told


@pytest.mark.parametrize("folds", [1, 3])
def test_intervals_of_differences_hold_the_truth_as_often_as_they_say_and_no_more(folds: int) -> None:
    """Nine trainings a side whose accuracy moves by two points with the seed, and items some of which are harder."""
    draw, trials, missed = np.random.default_rng(1), 200, 0
    truth, part = np.zeros(240, dtype=np.int64), np.arange(240) % folds
    for trial in range(trials):
        knows = draw.beta(1.6, 0.4, 240)

        def side(knows: np.ndarray = knows) -> np.ndarray:
            right = draw.random(240) < knows + 0.02 * draw.normal(size=folds)[part]
            return np.stack([right, ~right], axis=1).astype(np.float64)

        turns = [Turn(np.arange(240), side(), side(), part) for _ in range(9 // folds)]
        found = difference(SHARE, truth, turns, seed=trial, n=200)
        missed += found.low > 0 or found.high < 0
    assert stats.binom.ppf(0.01, trials, 0.05) <= missed <= stats.binom.ppf(0.99, trials, 0.05)


def test_folds_that_share_out_the_items_are_as_many_trainings_and_judge_every_item_once() -> None:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 2, 1200)
    sides = [np.eye(2)[np.where(draw.random(1200) < knows, truth, 1 - truth)] for knows in (0.7, 0.8)]
    order, part = draw.permutation(1200), np.repeat([0, 1, 2], 400)
    turn = Turn(order, sides[0][order], sides[1][order], part)
    found = difference(SHARE, truth, [turn])
    assert found.effect == pytest.approx(SHARE(truth, sides[1]) - SHARE(truth, sides[0]))
    assert (found.units, found.seeds) == (1200, 3)
    # Of 1,200 pairs of answers that are right with 0.7 and 0.8: the normal interval of their mean difference.
    half = 1.96 * np.sqrt((0.7 * 0.3 + 0.8 * 0.2) / 1200)
    assert half < (found.high - found.low) / 2 < 1.8 * half
    assert judge([difference(SHARE, truth, [replace(turn, after=turn.before)])]) == ["no clear effect"]
    with pytest.raises(UsageError, match="3 seeds or more; there are 2"):
        difference(SHARE, truth, [replace(turn, part=part // 2)])


def test_several_turns_of_folds_tell_more_than_one_and_no_more_than_their_items_allow() -> None:
    draw = np.random.default_rng(1)
    truth, hard = draw.integers(0, 2, 600), draw.random(600)

    def turn() -> Turn:
        felt = np.clip(hard + 0.2 * draw.normal(size=(2, 600)), 0, 1)
        sides = [np.eye(2)[np.where(felt[side] < knows, truth, 1 - truth)] for side, knows in enumerate((0.7, 0.75))]
        return Turn(np.arange(600), *sides, np.arange(600) % 3)

    turns = [turn() for _ in range(5)]
    once, often = difference(SHARE, truth, turns[:1]), difference(SHARE, truth, turns)
    gains = [SHARE(truth, one.after) - SHARE(truth, one.before) for one in turns]
    assert often.effect == pytest.approx(np.mean(gains))
    assert (often.seeds, often.units) == (15, 600)
    assert often.high - often.low < 0.75 * (once.high - once.low)
    # One training repeated is no more evidence than it was.
    again = difference(SHARE, truth, turns[:1] * 5)
    gain = np.subtract(*(side.argmax(1) == truth for side in (turns[0].after, turns[0].before)), dtype=np.float64)
    assert (again.high - again.low) / 2 > 0.95 * 1.96 * gain.std(ddof=1) / np.sqrt(600)


def test_many_units_in_many_trainings_are_resampled_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []
    counting = Metric("counted", right_or_wrong, lambda values, weight: measured.append(1) or mean(values, weight))
    truth = np.zeros(60, dtype=np.int64)
    sides = [answers(np.arange(60) % 10 < right)[1] for right in (7, 8)]
    monkeypatch.setattr(statistics, "FEWEST_RESAMPLES", 10)
    monkeypatch.setattr(statistics, "MOST_DRAWS", 60 * 20)
    difference(counting, truth, [Turn(np.arange(60), *sides, np.arange(60) % 3)])
    assert len(measured) == (20 + 1) * (2 + 3)  # without, with, and each of three trainings alone
    measured.clear()
    difference(counting, truth, [Turn(np.arange(60), *sides, np.arange(60) % 3)] * 3)
    assert len(measured) == (10 + 1) * (2 + 3) * 3


def test_a_metric_that_is_no_mean_over_items_is_told_of_a_whole_turn() -> None:
    draw = np.random.default_rng(2)
    truth = draw.normal(size=300)
    spread = Metric(
        "explained",
        lambda truth, answer: (np.square(truth - answer[:, 0]), truth),
        lambda made, weight: 1 - (made[0] @ weight) / (np.square(made[1] - made[1] @ weight / weight.sum()) @ weight),
    )
    sides = [truth[:, None] + noise * draw.normal(size=(300, 1)) for noise in (0.8, 0.4)]
    found = difference(spread, truth, [Turn(np.arange(300), *sides, np.arange(300) % 3)])
    assert found.effect == pytest.approx(spread(truth, sides[1]) - spread(truth, sides[0]))
    assert found.low > 0


def test_one_group_is_no_proof_however_many_items_it_has() -> None:
    truth = np.zeros(50, dtype=np.int64)
    accuracy = plugins.load("tasks", "classify").metric("accuracy")
    worse, better = np.tile([[0.4, 0.6]], (50, 1)), np.tile([[0.6, 0.4]], (50, 1))
    found = paired_difference(accuracy, truth, [worse] * 3, [better] * 3, groups=[1] * 50)
    assert found.effect == 1.0
    assert (found.low, found.high, found.p_value, found.units) == (-math.inf, math.inf, 1.0, 1)
