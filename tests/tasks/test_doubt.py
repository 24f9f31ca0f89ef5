"""Unsure and unlike, on simulated confidences and on real digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penjing.tasks._doubt import EVEN_ODDS, MOST_UNSURE, Unlike, unsure_below


def sure_and_right(items: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of two classes that are as often right as they say."""
    draws = np.random.default_rng(seed)
    top = draws.beta(4, 1, size=items) / 2 + 0.5
    truth = (draws.random(items) > top).astype(np.int64)
    return np.stack([top, 1 - top], axis=1), truth


def test_what_is_not_unsure_makes_at_most_half_the_mistakes() -> None:
    probability, truth = sure_and_right(5000)
    threshold = unsure_below(probability, truth)
    fresh, fresh_truth = sure_and_right(5000, seed=1)
    is_sure = fresh.max(axis=1) >= threshold
    mistakes = fresh.argmax(axis=1) != fresh_truth
    assert mistakes[is_sure].mean() < 0.6 * mistakes.mean() or is_sure.mean() == pytest.approx(
        1 - MOST_UNSURE, abs=0.03
    )
    assert is_sure.mean() >= 1 - MOST_UNSURE - 0.03
    assert mistakes[is_sure].mean() < mistakes.mean()


def test_mistakes_that_are_all_unsure_set_the_threshold_above_them() -> None:
    top = np.concatenate([np.full(80, 0.95), np.full(20, 0.6)])
    truth = np.concatenate([np.zeros(80, dtype=np.int64), np.ones(20, dtype=np.int64)])
    assert 0.6 < unsure_below(np.stack([top, 1 - top], axis=1), truth) <= 0.95


def test_confidence_that_says_nothing_does_not_make_most_items_unsure() -> None:
    draws = np.random.default_rng(0)
    top = draws.uniform(0.5, 1.0, size=1000)
    truth = (draws.random(1000) < 0.4).astype(np.int64)
    probability = np.stack([top, 1 - top], axis=1)
    assert (top < unsure_below(probability, truth)).mean() <= MOST_UNSURE


def spread_over(classes: int, top: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities whose highest is `top` and whose rest is even, and truths as often that class as it says."""
    draws = np.random.default_rng(seed)
    rest = np.repeat((1 - top)[:, None] / (classes - 1), classes - 1, axis=1)
    truth = np.where(draws.random(len(top)) < top, 0, draws.integers(1, classes, len(top)))
    return np.concatenate([top[:, None], rest], axis=1), truth


def test_what_is_more_likely_wrong_than_right_is_unsure_however_many_that_are() -> None:
    top = np.random.default_rng(0).uniform(0.1, 0.7, 2000)
    probability, truth = spread_over(20, top)
    assert unsure_below(probability, truth) >= EVEN_ODDS
    fresh, fresh_truth = spread_over(20, top, seed=1)
    is_sure = fresh.max(axis=1) >= unsure_below(probability, truth)
    is_right = fresh.argmax(axis=1) == fresh_truth
    assert is_right[is_sure].mean() > 0.5
    assert is_right[~is_sure].mean() < 0.5


def test_a_network_that_is_never_sure_is_always_unsure() -> None:
    probability, truth = spread_over(50, np.full(500, 0.1))
    assert (probability.max(axis=1) < unsure_below(probability, truth)).all()


def test_few_mistakes_teach_nothing() -> None:
    probability, truth = sure_and_right(20)
    assert unsure_below(probability, probability.argmax(axis=1)) == EVEN_ODDS
    assert unsure_below(probability[:0], truth[:0]) == EVEN_ODDS


def digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    pixels, target = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(target))
    return pixels[order].astype(np.float32), target[order]


def test_new_digits_are_usual_and_noise_and_negatives_are_not() -> None:
    pixels, target = digits()
    unlike = Unlike.learn(pixels[:1000], target[:1000], pixels[1000:1400])
    assert unlike.is_unlike(pixels[1400:]).mean() < 0.05
    noise = np.random.default_rng(1).uniform(0, 16, size=(100, 64)).astype(np.float32)
    assert unlike.is_unlike(noise).mean() > 0.95
    assert unlike.is_unlike(16 - pixels[1400:]).mean() > 0.95


def test_distance_agrees_with_the_formula_of_mahalanobis() -> None:
    draws = np.random.default_rng(0)
    y = np.repeat([0, 1], 5000)
    x = draws.multivariate_normal([0, 0], [[4, 1], [1, 2]], size=10_000) + 10 * y[:, None]
    unlike = Unlike.learn(x, y, x[:200])
    point = np.array([3.0, -2.0])
    by_hand = np.sqrt(point @ np.linalg.inv([[4, 1], [1, 2]]) @ point)
    assert unlike.distances(point[None])[0] == pytest.approx(by_hand, rel=0.05)


@pytest.mark.parametrize("items", [1, 2, 5, 30])
def test_a_handful_of_items_with_many_features_is_no_trouble(items: int) -> None:
    draws = np.random.default_rng(0)
    x, y = draws.normal(size=(items, 128)), np.arange(items) % 3
    for valid in (x[:0], draws.normal(size=(items, 128))):
        unlike = Unlike.learn(x, y, valid)
        assert np.isfinite(unlike.distances(x)).all()
        assert not unlike.is_unlike(valid).any()
    assert Unlike.learn(x, y, draws.normal(size=(items, 128))).is_unlike(np.full((1, 128), 50.0)).all()


def test_what_is_not_a_number_is_unlike() -> None:
    pixels, target = digits()
    unlike = Unlike.learn(pixels[:500], target[:500], pixels[500:600])
    assert unlike.is_unlike(np.full((1, 64), np.nan, dtype=np.float32)).all()


def test_units_that_never_fire_and_far_off_features_do_not_break_it() -> None:
    pixels, target = digits()
    shifted = np.concatenate([pixels + 1000, np.zeros((len(pixels), 8), dtype=np.float32)], axis=1)
    plain = Unlike.learn(pixels[:500], target[:500], pixels[500:700])
    moved = Unlike.learn(shifted[:500], target[:500], shifted[500:700])
    assert (moved.is_unlike(shifted[700:]) == plain.is_unlike(pixels[700:])).mean() > 0.98


def test_it_survives_a_file(tmp_path: Path) -> None:
    pixels, target = digits()
    unlike = Unlike.learn(pixels[:300], target[:300], pixels[300:400])
    unlike.save(tmp_path / "unlike.npz")
    with np.load(tmp_path / "unlike.npz", allow_pickle=False) as arrays:
        again = Unlike.from_arrays(arrays)
    assert np.array_equal(again.is_unlike(pixels), unlike.is_unlike(pixels))
