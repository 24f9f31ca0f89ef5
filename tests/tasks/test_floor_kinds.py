"""The floor of numbers, labels, words and mixes: as good as scikit-learn, the same again from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge as SklearnRidge

from penjing.core.events import Event, Warned
from penjing.tasks import classify, regress, tag
from penjing.tasks._floor import Features, FloorResult, fit_again, fit_floor, load_floor, save_floor, side_by_side
from penjing.tasks._floor.ridge import fit_ridge

SECONDS = 6.0
DRAWS = np.random.default_rng(0)
ITEMS, TRAIN = 400, 300


def diabetes() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_diabetes(return_X_y=True)
    return x.astype(np.float32), y.astype(np.float32)


def words(kind: np.ndarray) -> sp.csr_matrix:
    """Counts in which each kind of item likes some words of its own."""
    rate = np.full((len(kind), 200), 0.05)
    for row, one in enumerate(kind):
        rate[row, 10 * one : 10 * one + 10] = 0.3
    return sp.csr_matrix(np.random.default_rng(1).poisson(rate).astype(np.float32))


def floor(x: Any, y: np.ndarray, outputs: int, task: Any, name: str, seconds: float = SECONDS) -> list[FloorResult]:
    metric = task.metric(task.Settings().metric)
    return fit_floor(x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:], outputs, metric=metric, seconds=seconds, task=name)


def names(results: Sequence[FloorResult]) -> list[str]:
    return [result.name for result in results]


@pytest.fixture(scope="module")
def numbers() -> list[FloorResult]:
    return floor(*diabetes(), 1, regress, "regress")


def test_a_number_has_a_mean_a_ridge_and_trees(numbers: list[FloorResult]) -> None:
    x, y = diabetes()
    assert names(numbers) == ["mean", "linear", "boosted_trees"]
    mean, linear, trees = (regress.metric("r2")(y[TRAIN:], result.answer) for result in numbers)
    assert numbers[0].answer[0] == pytest.approx(y[:TRAIN].mean())
    usual = SklearnRidge(1.0).fit(x[:TRAIN] / x.std(axis=0), y[:TRAIN]).score(x[TRAIN:] / x.std(axis=0), y[TRAIN:])
    assert linear > usual - 0.02
    assert trees > 0.3
    assert mean < 0.05


@pytest.mark.parametrize("features", [10, 600])
def test_ridge_is_scikit_learns(features: int) -> None:
    x = np.random.default_rng(2).normal(5, 3, (200, features)).astype(np.float32)
    y = (x[:, 0] - x[:, 3] + 7).astype(np.float32)
    found = fit_ridge(x, y, {"penalty": 0.1, "transform": "none"})
    scaled = (x - found.mean) / found.scale
    expected = SklearnRidge(0.1 * 200).fit(scaled.astype(np.float64), y).predict(scaled)
    assert found.predict(Features(x))[:, 0] == pytest.approx(expected, abs=2e-3)


def test_the_logarithm_is_tried_for_prices() -> None:
    x = DRAWS.normal(size=(ITEMS, 5)).astype(np.float32)
    y = np.exp(10 + x[:, 0] + 0.5 * x[:, 1] + 0.1 * DRAWS.normal(size=ITEMS)).astype(np.float32)
    _, linear, trees = floor(x, y, 1, regress, "regress")
    assert linear.settings["transform"] == trees.settings["transform"] == "log"
    assert regress.metric("r2")(y[TRAIN:], linear.answer) > 0.9


def test_missing_numbers_and_codes_of_categories_are_read() -> None:
    code = np.arange(ITEMS) % 12
    worth = np.random.default_rng(4).normal(size=12)[code]
    dense = np.eye(12, dtype=np.float32)[code]
    raw = np.stack([code.astype(np.float32), DRAWS.normal(size=ITEMS).astype(np.float32)], axis=1)
    raw[::7, 1], dense[::9, 3], raw[::50, 0] = np.nan, np.nan, -1
    results = floor(Features(dense, raw=raw, categorical=(0,)), worth.astype(np.float32), 1, regress, "regress")
    assert names(results) == ["mean", "linear", "boosted_trees"]
    for result in results[1:]:
        assert regress.metric("r2")(worth[TRAIN:], result.answer) > 0.8


def test_words_alone_are_read_by_the_linear_model_only() -> None:
    kind = np.arange(ITEMS) % 3
    results = floor(words(kind), kind, 3, classify, "classify")
    assert names(results) == ["majority", "linear"]
    assert classify.metric("accuracy")(kind[TRAIN:], results[1].answer) > 0.8


def test_numbers_and_words_together_beat_either() -> None:
    kind = np.arange(ITEMS) % 4
    counts, seen = words(kind % 2), (np.eye(2)[kind // 2] + DRAWS.normal(0, 0.3, (ITEMS, 2))).astype(np.float32)
    results = floor(side_by_side([seen, counts]), kind, 4, classify, "classify")
    assert names(results) == ["majority", "linear", "boosted_trees"]
    both = classify.metric("accuracy")(kind[TRAIN:], results[1].answer)
    assert both > 0.75
    assert min(results[1].settings["shares"]) > 0


def test_labels_have_a_model_each_and_those_that_never_vary_their_share() -> None:
    kind = np.arange(ITEMS) % 4
    truth = np.stack([kind % 2, kind // 2, np.zeros(ITEMS), np.ones(ITEMS)], axis=1).astype(np.int8)
    x = (np.stack([kind % 2, kind // 2, kind * 0], axis=1) + DRAWS.normal(0, 0.3, (ITEMS, 3))).astype(np.float32)
    results = floor(x, truth, 4, tag, "tag")
    assert names(results) == ["majority", "linear", "boosted_trees"]
    assert results[0].answer[0] == pytest.approx(truth[:TRAIN].mean(axis=0))
    for result in results[1:]:
        assert tag.metric("subset_accuracy")(truth[TRAIN:], result.answer) > 0.8
        assert result.answer[:, 2].max() == 0.0
        assert result.answer[:, 3].min() == 1.0


def sets() -> list[tuple[str, Any, np.ndarray, int]]:
    """(task, features, targets, outputs) of small data of every kind."""
    kind = np.arange(ITEMS) % 3
    noise = DRAWS.normal(0, 0.5, (ITEMS, 3))
    dense = (np.eye(3)[kind] + noise).astype(np.float32)
    labels = np.stack([kind == 0, kind > 0, kind < 0], axis=1).astype(np.int8)
    mixed = side_by_side([dense, words(kind)])
    return [
        ("classify", words(kind), kind, 3),
        ("classify", mixed, kind, 3),
        ("regress", mixed, (kind + 1.0).astype(np.float32), 1),
        ("regress", words(kind), (kind + 1.0).astype(np.float32), 1),
        ("tag", mixed, labels, 3),
        ("tag", dense, labels, 3),
    ]


@pytest.mark.parametrize("which", range(6))
def test_every_kind_is_the_same_from_a_file_and_when_fitted_again(which: int, tmp_path: Path) -> None:
    name, x, y, outputs = sets()[which]
    task = {"classify": classify, "regress": regress, "tag": tag}[name]
    results = floor(x, y, outputs, task, name, seconds=3.0)
    assert len(results) > 1
    path = tmp_path / "楼.npz"
    save_floor(path, results)
    kept = load_floor(path, x[:TRAIN], y[:TRAIN], x[TRAIN:])
    for result, one in zip(results, kept, strict=True):
        assert result.task == one.task == name
        assert np.array_equal(result.answer, one.answer)
        assert np.array_equal(one.predict(x[TRAIN:]), result.answer)
        if result.settings["items"] == TRAIN:
            again = fit_again(result, x[:TRAIN], y[:TRAIN], outputs)
            assert again.predict(x[TRAIN:]) == pytest.approx(result.answer, abs=2e-3)


def test_inputs_stand_side_by_side_with_their_categories() -> None:
    table = Features(np.ones((5, 4), np.float32), raw=np.zeros((5, 2), np.float32), categorical=(1,))
    found = side_by_side([np.zeros((5, 3)), table, words(np.zeros(5, int)), words(np.zeros(5, int))])
    assert found.dense.shape == (5, 7)
    assert found.for_trees.shape == (5, 5)
    assert found.categorical == (4,)
    assert found.counts.shape == (5, 400)
    assert len(found[np.array([1, 2])]) == 2


def test_a_number_that_never_varies_says_so() -> None:
    events: list[Event] = []
    x, y = np.zeros((5, 3), np.float32), np.ones(5, np.float32)
    results = fit_floor(x, y, x, y, 1, metric=regress.metric("rmse"), seconds=5.0, task="regress", watch=events.append)
    assert names(results) == ["mean"]
    assert [event.message for event in events if isinstance(event, Warned)] == [
        "the training part holds a single number, so the floor is the mean alone"
    ]


def test_a_zero_among_the_numbers_that_choose_does_not_end_the_trees() -> None:
    draw = np.random.default_rng(2)
    x = draw.normal(size=(ITEMS, 4)).astype(np.float32)
    y = np.exp(2 * x[:, 0] + x[:, 1]).astype(np.float32)  # skewed and above 0, so the logarithm is learned
    zeroed = y.copy()
    zeroed[TRAIN] = 0.0
    plain, odd = (
        {one.name: one for one in floor(x, values, 1, regress, "regress")}["boosted_trees"] for values in (y, zeroed)
    )
    answers = [np.log(one.probability[1:, 0]) for one in (plain, odd)]
    wrong = [float(np.square(said - np.log(y[TRAIN + 1 :])).mean()) for said in answers]
    assert wrong[1] < 1.2 * wrong[0]
