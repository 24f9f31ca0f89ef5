"""The floor on real digits: as good as scikit-learn, inside its seconds, kept in a file, sane on the smallest data."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from penjing.core.events import Event, Finished, Started, Warned
from penjing.tasks._floor import FloorResult, fit_again, fit_floor, load_floor, save_floor, trees
from penjing.tasks._floor.examples import stratified_order
from penjing.tasks._floor.features import Features
from penjing.tasks._floor.linear import MOST_ITERATIONS, fit_linear
from penjing.tasks._floor.trees import telling_columns
from penjing.tasks.classify import metric

ACCURACY = metric("accuracy")
SECONDS = 60.0  # far more than needed: the results do not depend on the clock


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    pixels, target = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(target))
    pixels, target = pixels[order].astype(np.float32), target[order]
    return pixels[:500], target[:500], pixels[500:800], target[500:800]


@pytest.fixture(scope="module")
def results() -> list[FloorResult]:
    return fit_floor(*digits(), 10, metric=ACCURACY, seconds=SECONDS)


def test_three_answers_the_last_two_as_good_as_scikit_learns_defaults(results: list[FloorResult]) -> None:
    x_train, y_train, x_valid, y_valid = digits()
    majority, linear, trees = (ACCURACY(y_valid, result.answer) for result in results)
    assert [result.name for result in results] == ["majority", "linear", "boosted_trees"]
    assert majority < 0.2
    usual = LogisticRegression(max_iter=2000).fit(x_train / 16, y_train).score(x_valid / 16, y_valid)
    assert linear > usual - 0.015
    usual = HistGradientBoostingClassifier().fit(x_train, y_train).score(x_valid, y_valid)
    assert trees > usual - 0.015


def test_probabilities_are_probabilities_and_predict_repeats_them(results: list[FloorResult]) -> None:
    _, y_train, x_valid, _ = digits()
    for result in results:
        assert result.answer.shape == (300, 10)
        assert result.answer.dtype == np.float32
        assert result.answer.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
        assert np.array_equal(result.predict(x_valid), result.answer)
    assert results[0].answer[0] == pytest.approx(np.bincount(y_train) / len(y_train))


def test_two_floors_of_the_same_items_are_the_same(results: list[FloorResult]) -> None:
    for first, second in zip(results, fit_floor(*digits(), 10, metric=ACCURACY, seconds=SECONDS), strict=True):
        assert dict(first.settings) == dict(second.settings)
        assert np.array_equal(first.answer, second.answer)


def test_fitting_both_at_once_gives_the_same(results: list[FloorResult]) -> None:
    for first, second in zip(
        results, fit_floor(*digits(), 10, metric=ACCURACY, seconds=SECONDS, threads=2), strict=True
    ):
        assert dict(first.settings) == dict(second.settings)
        assert np.array_equal(first.answer, second.answer)


def test_a_floor_survives_a_file_bit_for_bit(results: list[FloorResult], tmp_path: Path) -> None:
    path = tmp_path / "楼" / "floor.npz"
    save_floor(path, results)
    x_train, y_train, x_valid, _ = digits()
    again = load_floor(path, x_train, y_train, x_valid)
    assert [result.name for result in again] == [result.name for result in results]
    for kept, result in zip(again, results, strict=True):
        assert np.array_equal(kept.answer, result.answer)
        assert dict(kept.settings) == dict(result.settings)


def test_fitting_again_on_the_same_items_gives_the_same_models(results: list[FloorResult]) -> None:
    x_train, y_train, x_valid, _ = digits()
    for result in results:
        again = fit_again(result, x_train, y_train, 10)
        assert again.predict(x_valid) == pytest.approx(result.answer, abs=1e-4)


def test_a_model_fitted_again_on_more_items_knows_them(results: list[FloorResult]) -> None:
    x_train, y_train, x_valid, y_valid = digits()
    both, truth = np.concatenate([x_train, x_valid]), np.concatenate([y_train, y_valid])
    for result in results[1:]:
        again = fit_again(result, both, truth, 10)
        assert again.settings["items"] == len(truth)
        assert ACCURACY(y_valid, again.predict(x_valid)) > max(0.98, ACCURACY(y_valid, result.answer) - 1e-9)


@pytest.mark.parametrize("classes", [2, 10])
def test_linear_gives_scikit_learns_probabilities(classes: int) -> None:
    x, y, x_valid, _ = digits()
    y = y % classes
    settings = {"strength": 0.01, "class_weight": "balanced", "most_iterations": MOST_ITERATIONS}
    linear, _ = fit_linear(x, y, classes, settings, time.monotonic() + SECONDS)
    scaled = (x - linear.mean) / linear.scale
    expected = LogisticRegression(C=0.01, class_weight="balanced", max_iter=1000).fit(scaled, y)
    assert linear.predict(x_valid) == pytest.approx(
        expected.predict_proba((x_valid - linear.mean) / linear.scale), abs=2e-3
    )


def test_class_weights_are_tried_where_classes_are_unequal() -> None:
    draws = np.random.default_rng(0)
    y = (np.arange(600) % 15 == 0).astype(np.int64)
    x = (draws.normal(size=(600, 4)) + 1.2 * y[:, None]).astype(np.float32)
    results = fit_floor(x[:400], y[:400], x[400:], y[400:], 2, metric=metric("balanced_accuracy"), seconds=8.0)
    assert results[1].settings["class_weight"] == "balanced"
    assert metric("balanced_accuracy")(y[400:], results[1].answer) > 0.75


@pytest.mark.parametrize("a_class", [1, 2, 5])
@pytest.mark.parametrize("classes", [2, 40])
def test_a_handful_of_items_a_class_and_no_validation_give_a_floor(a_class: int, classes: int) -> None:
    y = np.arange(a_class * classes) % classes
    x = np.random.default_rng(0).normal(size=(len(y), 30)).astype(np.float32) + y[:, None]
    results = fit_floor(x, y, x[:0], y[:0], classes, metric=ACCURACY, seconds=4.0)
    assert [result.name for result in results][:2] == ["majority", "linear"]
    for result in results:
        assert result.answer.shape == (0, classes)
        assert np.isfinite(result.predict(x)).all()


def test_a_class_without_training_items_gets_probability_zero() -> None:
    x, y, x_valid, y_valid = digits()
    keep = y != 3
    results = fit_floor(x[keep], y[keep], x_valid, y_valid, 11, metric=metric("log_loss"), seconds=SECONDS)
    for result in results:
        assert result.answer[:, [3, 10]].max() == 0.0
        assert np.isfinite(metric("log_loss")(y_valid, result.answer))


def test_features_that_are_not_finite_or_never_vary_do_no_harm() -> None:
    x, y, x_valid, y_valid = digits()
    x, x_valid = x.copy(), x_valid.copy()
    x[0, 0], x[1, 1], x_valid[0, 0] = np.nan, np.inf, -np.inf
    x[:, 2] = 7.0
    results = fit_floor(x, y, x_valid, y_valid, 10, metric=ACCURACY, seconds=SECONDS)
    assert ACCURACY(y_valid, results[1].answer) > 0.9


def test_one_class_alone_says_so() -> None:
    events: list[Event] = []
    x = np.zeros((5, 3), dtype=np.float32)
    y = np.zeros(5, dtype=np.int64)
    results = fit_floor(x, y, x, y, 2, metric=ACCURACY, seconds=SECONDS, watch=events.append)
    assert [result.name for result in results] == ["majority"]
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert [event.message for event in events if isinstance(event, Warned)] == [
        "the training part holds a single class, so the floor is the majority class alone"
    ]


def test_what_does_not_fit_its_seconds_is_left_out_and_named() -> None:
    events: list[Event] = []
    x, y, x_valid, y_valid = digits()
    results = fit_floor(x, y, x_valid, y_valid, 10, metric=ACCURACY, seconds=1e-3, watch=events.append)
    assert [result.name for result in results] == ["majority"]
    said = [event.message for event in events if isinstance(event, Warned)]
    assert said == [
        "a linear model on 500 items of 10 classes would take too long and is left out",
        "boosted trees on 500 items of 10 classes would take too long and is left out",
    ]


def test_every_beginning_of_the_stratified_order_holds_each_class_in_its_share() -> None:
    y = np.repeat([0, 1, 2], [600, 300, 3])
    order = stratified_order(y, 0)
    assert sorted(order.tolist()) == list(range(903))
    assert set(y[order[:3]]) == {0, 1, 2}
    assert (y[order[:300]] == 0).mean() == pytest.approx(2 / 3, abs=0.02)


def test_the_columns_that_tell_classes_apart_are_kept() -> None:
    draws = np.random.default_rng(0)
    y = np.arange(200) % 4
    x = draws.normal(size=(200, 50))
    x[:, [7, 21]] += 3 * y[:, None]
    assert telling_columns(x, y, most=2).tolist() == [7, 21]


@pytest.mark.slow
@pytest.mark.parametrize(("items", "classes"), [(50_000, 10), (20_000, 1000), (1000, 1000)])
def test_large_data_stay_inside_their_seconds(items: int, classes: int) -> None:
    draws = np.random.default_rng(0)
    y = draws.permutation(np.arange(items) % classes)
    x = draws.normal(size=(items, 600)).astype(np.float32)
    started = time.monotonic()
    results = fit_floor(x, y, x[:2000], y[:2000], classes, metric=ACCURACY, seconds=8.0)
    assert time.monotonic() - started < 8.0 * 1.1
    assert results[0].name == "majority"


def test_of_many_validation_items_those_that_stop_the_trees_are_of_all_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    draw, truth = np.random.default_rng(0), np.repeat([0, 1, 2], 40)
    x = (truth[:, None] + draw.normal(size=(120, 4))).astype(np.float32)
    judged: list[np.ndarray] = []
    plain = trees._best_rounds

    def told(grown: trees.Trees, features: Features, judges: np.ndarray, *others: Any) -> int:
        judged.append(judges)
        return plain(grown, features, judges, *others)

    monkeypatch.setattr(trees, "JUDGES", 30)
    monkeypatch.setattr(trees, "_best_rounds", told)
    given = {"rate": 0.1, "leaves": 4, "seed": 0, "class_weight": "none"}
    trees.fit_trees(x, truth, 3, given, (x, truth), time.monotonic())
    assert judged
    for one in judged:
        assert np.bincount(one).tolist() == [10, 10, 10]
