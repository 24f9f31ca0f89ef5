"""The estimators are scikit-learn's in every way that its own checks can see, and learn what simple models learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks

import penjing as pj

FAST: dict[str, Any] = {"steps": 150, "time": 60.0}
# Of the regressor only: probabilities round alike.
EXPECTED_FAILED = {
    "check_methods_subset_invariance": "single precision: sums over batches of another size differ in the last bits"
}


@pytest.mark.slow
@parametrize_with_checks(
    [pj.PenjingClassifier(**FAST), pj.PenjingRegressor(**FAST)],
    expected_failed_checks=lambda one: EXPECTED_FAILED if isinstance(one, pj.PenjingRegressor) else {},
)
def test_scikit_learns_own_check(estimator: Any, check: Any) -> None:
    check(estimator)


def test_a_classifier_learns_and_answers_with_the_classes_it_was_given() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    names = np.where(y == 1, "良性", "恶性")
    train_x, test_x, train_y, test_y = train_test_split(x, names, random_state=0, stratify=names)
    found = pj.PenjingClassifier(**FAST).fit(train_x, train_y)
    assert found.score(test_x, test_y) > 0.93
    probability = found.predict_proba(test_x)
    assert probability.sum(axis=1) == pytest.approx(1)
    assert (found.classes_[probability.argmax(axis=1)] == found.predict(test_x)).all()


def test_a_regressor_learns_more_than_the_mean_and_the_same_twice() -> None:
    x, y = load_diabetes(return_X_y=True)
    assert cross_val_score(DummyRegressor(), x, y, cv=2).mean() < 0.01
    assert cross_val_score(pj.PenjingRegressor(**FAST), x, y, cv=2).mean() > 0.3
    seeds = (0, np.int64(0))
    first, again = (pj.PenjingRegressor(steps=30, seed=seed).fit(x, y).predict(x[:9]) for seed in seeds)  # type: ignore[arg-type]
    assert (first == again).all()


def test_a_missing_number_is_survived() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    x = np.where(np.random.default_rng(0).random(x.shape) < 0.1, np.nan, x)
    assert pj.PenjingClassifier(**FAST).fit(x[::2], y[::2]).score(x[1::2], y[1::2]) > 0.9


def test_all_rows_are_learned_from_and_none_is_set_aside_for_a_test() -> None:
    from penjing.estimators import _dealt

    train, valid = _dealt(np.repeat([0, 1], [60, 40]), seed=0)
    assert sorted([*train, *valid]) == list(range(100))
    assert [len(train), len(valid), int((valid >= 60).sum())] == [80, 20, 8]
    assert [len(part) for part in _dealt(np.zeros(20, np.int64), seed=0)] == [20, 0]
