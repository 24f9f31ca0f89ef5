"""The floor's linear model of texts: the formula of its source, scikit-learn's TF-IDF, sane on the smallest data."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from penjing.tasks._floor.examples import quiet_sklearn
from penjing.tasks._floor.text import TRIALS, fit_text, log_ratio, rarity, weighted

FOREVER = time.monotonic() + 3600
SETTINGS = {**TRIALS[0], "class_weight": "none", "most_iterations": 100}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """As the floor's search does around every fit: chunks of iterations end before they have converged."""
    with quiet_sklearn():
        yield


def counts(items: int = 300, words: int = 400, classes: int = 2, seed: int = 0) -> tuple[sp.csr_matrix, np.ndarray]:
    """Word counts in which each class likes some words of its own."""
    draw = np.random.default_rng(seed)
    y = draw.integers(0, classes, items)
    rate = np.full((items, words), 0.05)
    for row, label in enumerate(y):
        rate[row, 20 * label : 20 * label + 20] = 0.25
    return sp.csr_matrix(draw.poisson(rate).astype(np.float32)), y


def test_weights_are_scikit_learns_tfidf() -> None:
    x, _ = counts()
    columns, idf = rarity(x)
    expected = TfidfTransformer(sublinear_tf=True).fit_transform(x[:, columns])
    np.testing.assert_allclose(weighted(x, columns, idf).toarray(), expected.toarray(), atol=1e-6)


def test_words_of_one_text_are_left_out_unless_there_are_no_others() -> None:
    x = sp.csr_matrix(np.array([[1, 1, 0], [1, 0, 2]], dtype=np.float32))
    assert rarity(x)[0].tolist() == [0]
    assert rarity(x[:1])[0].tolist() == [0, 1]


def test_the_log_ratio_is_the_published_one() -> None:
    x = sp.csr_matrix(np.array([[1, 0], [1, 1], [0, 1], [0, 1]], dtype=np.float32))
    found = log_ratio(x, np.array([True, True, False, False]), smoothing=1.0)
    p, q = np.array([2 + 1, 1 + 1]), np.array([0 + 1, 2 + 1])  # α + Σf, Wang and Manning's p and q
    np.testing.assert_allclose(found, np.log((p / p.sum()) / (q / q.sum())), rtol=1e-6)


def test_without_the_ratio_two_classes_are_scikit_learns_regression_on_tfidf() -> None:
    x, y = counts()
    model, _ = fit_text(x, y, 2, {**SETTINGS, "weighting": "tfidf"}, FOREVER)
    values = weighted(x, model.columns, model.idf)
    usual = LogisticRegression(C=SETTINGS["strength"], max_iter=1000, tol=1e-8).fit(values, y)
    np.testing.assert_allclose(model.predict(x), usual.predict_proba(values), atol=0.01)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("trial", range(len(TRIALS)))
def test_it_is_as_good_as_scikit_learns_pipeline_and_gives_probabilities(classes: int, trial: int) -> None:
    x, y = counts(classes=classes)
    held_out, truth = counts(classes=classes, seed=1)
    model, iterations = fit_text(x, y, classes, {**SETTINGS, **TRIALS[trial]}, FOREVER)
    found = model.predict(held_out)
    assert 0 < iterations <= SETTINGS["most_iterations"]
    assert found.dtype == np.float32
    assert found.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    usual = make_pipeline(TfidfTransformer(sublinear_tf=True), LogisticRegression(C=10, max_iter=500)).fit(x, y)
    assert (found.argmax(axis=1) == truth).mean() > usual.score(held_out, truth) - 0.03


def test_a_class_without_an_item_is_never_predicted() -> None:
    x, y = counts()
    found = fit_text(x, np.where(y == 1, 3, 1), 5, SETTINGS, FOREVER)[0].predict(x)
    assert (found[:, [0, 2, 4]] == 0).all()
    assert set(found.argmax(axis=1)) == {1, 3}


def test_a_text_without_known_words_gets_an_answer() -> None:
    x, y = counts()
    model, _ = fit_text(x, y, 2, SETTINGS, FOREVER)
    assert np.isfinite(model.predict(sp.csr_matrix((3, x.shape[1]), dtype=np.float32))).all()


def test_texts_without_a_word_at_all_are_survived() -> None:
    x, y = sp.csr_matrix((4, 10), dtype=np.float32), np.array([0, 1, 0, 1])
    model, _ = fit_text(x, y, 2, SETTINGS, FOREVER)
    assert model.predict(x).argmax(axis=1).shape == (4,)


def test_a_deadline_behind_still_gives_a_model_of_one_chunk() -> None:
    x, y = counts(classes=4)
    _, iterations = fit_text(x, y, 4, SETTINGS, 0.0)
    assert iterations == 20


def test_balanced_weights_find_more_of_a_rare_class() -> None:
    x, y = counts(items=600)
    rare = np.flatnonzero((y == 0) | (np.arange(600) % 8 == 0))
    x, y = x[rare], y[rare]
    found = [
        (fit_text(x, y, 2, {**SETTINGS, "strength": 0.1, "class_weight": weight}, FOREVER)[0].predict(x)[:, 1] > 0.5)
        for weight in ("none", "balanced")
    ]
    assert found[0].sum() < found[1].sum()
