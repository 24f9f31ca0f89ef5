"""Numbers as targets: metrics and intervals against scikit-learn and by hand, targets read, refused and binned."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sklearn_metrics

from penjing.core.errors import DataError, UsageError
from penjing.tasks import regress
from penjing.tasks.regress.transform import choose_transform, learn_scale

DRAWS = np.random.default_rng(0)
TRUTH = DRAWS.normal(100.0, 20.0, 300).astype(np.float32)
ANSWER = (TRUTH + DRAWS.normal(0.0, 8.0, 300)).astype(np.float32)[:, None]
PRICES = np.exp(DRAWS.normal(12.0, 0.6, 500)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("r2", sklearn_metrics.r2_score),
        ("mae", sklearn_metrics.mean_absolute_error),
        ("rmse", sklearn_metrics.root_mean_squared_error),
    ],
)
def test_a_metric_agrees_with_scikit_learn_weighted_and_not(name: str, expected: object) -> None:
    assert callable(expected)
    found = regress.metric(name)
    assert found(TRUTH, ANSWER) == pytest.approx(expected(TRUTH, ANSWER[:, 0]), rel=1e-6)
    weight = np.random.default_rng(1).integers(0, 3, 300).astype(np.float64)
    weighted = expected(TRUTH, ANSWER[:, 0], sample_weight=weight)
    assert found.combine(found.prepare(TRUTH, ANSWER), weight) == pytest.approx(weighted, rel=1e-6)


def test_nothing_to_explain_is_explained_only_by_the_number_itself() -> None:
    same, off = np.full(5, 3.0), np.full((5, 1), 2.0)
    assert regress.metric("r2")(same, off) == sklearn_metrics.r2_score(same, off) == 0.0
    assert regress.metric("r2")(same, same[:, None]) == 1.0


def test_a_resample_in_which_nothing_varies_says_nothing_of_what_is_explained() -> None:
    truth = np.array([0.1] * 5 + [1.0, 2.0])
    answer = truth + 0.1 * np.array([1, -1, 1, -1, 1, -1, 1])
    found = regress.metric("r2")
    prepared = found.prepare(truth, answer[:, None])
    assert math.isnan(found.combine(prepared, np.array([3.0, 1, 1, 1, 1, 0, 0])))
    assert found.combine(prepared, np.array([3.0, 1, 1, 1, 0, 1, 0])) == pytest.approx(
        sklearn_metrics.r2_score(truth, answer, sample_weight=[3, 1, 1, 1, 0, 1, 0])
    )
    told = regress.score("r2", truth, answer[:, None], part="valid")
    assert told.value > 0.97
    assert 0.0 < told.low < told.value < told.high <= 1.0


def test_scores_have_intervals_that_groups_make_wider() -> None:
    shifts = np.repeat(np.random.default_rng(2).normal(0, 10, 10), 30)
    answer = (TRUTH + shifts).astype(np.float32)[:, None]
    alone = regress.score("mae", TRUTH, answer, part="valid")
    grouped = regress.score("mae", TRUTH, answer, part="valid", groups=np.repeat(np.arange(10), 30))
    assert alone.low < alone.value < alone.high
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)
    assert (grouped.units, alone.units) == (10, 300)


def test_an_unknown_metric_and_a_broken_own_one_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r'there is no metric "rsme"; did you mean "rmse"\?'):
        regress.metric("rsme")
    file = tmp_path / "误差.py"
    file.write_text("def worst(truth, answer):\n    return abs(answer[:, 0] - truth).max()\n", encoding="utf-8")
    assert regress.metric(f"{file}:worst")(TRUTH, ANSWER) == pytest.approx(np.abs(TRUTH - ANSWER[:, 0]).max())
    with pytest.raises(UsageError, match=r"it is called with truth Float\[items\] and answer Float\[items, 1\]"):
        regress.metric(lambda truth, answer: truth["a"] + answer)(TRUTH, ANSWER)  # type: ignore[call-overload]


def test_numbers_are_read_as_people_write_them_and_gaps_are_unknown() -> None:
    names, truth = regress.encode(pl.Series("价格", ["1,200", " 3.5 ", None, "n/a", "(7)"]))
    assert names == ("价格",)
    assert truth.dtype == np.float32
    assert truth[[0, 1, 4]].tolist() == [1200.0, 3.5, -7.0]
    assert regress.is_known(truth).tolist() == [True, True, False, False, True]
    assert not regress.is_known(regress.encode(pl.Series("y", [1.0, math.inf, 1e30, 2.0]))[1])[1:3].any()


def test_a_target_without_anything_to_learn_is_refused() -> None:
    with pytest.raises(DataError, match='the target "y" is 4 for all 3 items, so there is nothing to learn'):
        regress.encode(pl.Series("y", [4, 4, None, 4]))
    with pytest.raises(DataError, match='the target "y" holds no number'):
        regress.encode(pl.Series("y", ["red", None]))
    assert np.isnan(regress.encode(pl.Series("y", [None, None], dtype=pl.Float64), ["y"])[1]).all()


def test_bins_hold_about_as_many_items_each_and_equal_numbers_stay_together() -> None:
    counts = np.bincount(regress.stratify(PRICES))
    assert len(counts) == 10
    assert counts.min() >= 49
    truth = np.array([0.0] * 60 + list(range(1, 41)) + [np.nan], dtype=np.float32)
    bins = regress.stratify(truth)
    assert bins[-1] == -1
    assert len(set(bins[:60])) == 1
    assert np.array_equal(np.unique(bins[:-1]), np.arange(bins.max() + 1))
    assert regress.stratify(truth[:7]).tolist() == [0] * 7
    assert regress.stratify(truth[-1:]).tolist() == [-1]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (PRICES, "log"),
        (TRUTH, "none"),
        (-PRICES, "none"),
        (np.concatenate([PRICES, [0.0]]), "log"),
        (np.arange(50.0), "none"),
        (np.ones(3), "none"),
        (np.zeros(0), "none"),
    ],
)
def test_the_logarithm_is_learned_where_numbers_have_a_long_tail(values: np.ndarray, expected: str) -> None:
    assert choose_transform("auto", learn_scale(values)) == expected


def test_the_logarithm_of_negative_numbers_is_refused_and_the_others_wish_obeyed() -> None:
    assert choose_transform("log", learn_scale(TRUTH)) == "log"
    assert choose_transform("none", learn_scale(PRICES)) == "none"
    with pytest.raises(DataError, match="needs numbers from 0 on; the smallest training value is -1"):
        choose_transform("log", learn_scale(np.array([-1.0, 2.0])))


def test_what_is_made_of_a_long_tail_is_said() -> None:
    (said,) = regress.notices(PRICES, ["price"])
    assert said.startswith('"price" has a long tail')
    assert regress.notices(TRUTH, ["height"]) == []


def test_the_interval_holds_as_many_new_items_as_it_says() -> None:
    held = []
    for seed in range(40):
        draws = np.random.default_rng(seed)
        truth = draws.exponential(10.0, 1200).astype(np.float32)  # errors are skewed
        outputs = np.full((1200, 1), 5.0, dtype=np.float32)
        calibrated = regress.calibrate(outputs[:200], truth[:200])
        found = regress.interval(outputs[200:], calibrated)
        assert found is not None
        held.append(((truth[200:] >= found[:, 0]) & (truth[200:] <= found[:, 1])).mean())
    assert np.mean(held) == pytest.approx(regress.COVERAGE, abs=0.015)


def test_too_few_items_give_no_interval() -> None:
    assert regress.calibrate(ANSWER[:18], TRUTH[:18]) == {}
    assert regress.interval(ANSWER, {}) is None
    assert regress.calibrate(ANSWER[:19], TRUTH[:19])["below"] == pytest.approx(
        float((TRUTH[:19] - ANSWER[:19, 0]).min()), rel=1e-5
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (regress.Settings(loss="hubber"), 'there is no loss "hubber"; did you mean "huber"?'),
        (regress.Settings(target_transform="logs"), 'there is no target_transform "logs"; did you mean "log"?'),
        (regress.Settings(delta=0.0), "delta is a number of standard deviations above 0, not 0.0"),
    ],
)
def test_settings_that_cannot_be_are_named(settings: regress.Settings, message: str) -> None:
    with pytest.raises(UsageError) as found:
        regress.check_settings(settings, ["y"])
    assert str(found.value).startswith(message)


def test_two_numbers_an_item_are_refused() -> None:
    with pytest.raises(UsageError, match="one number an item is learned; these data have 2: x, y"):
        regress.check_settings(regress.Settings(), ["x", "y"])
