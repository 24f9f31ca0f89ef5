"""How a data set of videos is planned, described and standardised, and what the floor gets to see."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from penjing.modalities import video
from penjing.modalities.video import Header, front_end

ONE = Header(frames=16, height=56, width=56, channels=3, rate_hz=12, seconds=4 / 3, format="MOV")


def varied(**changes: object) -> Header:
    return dataclasses.replace(ONE, **changes)  # type: ignore[arg-type]


def test_videos_of_one_size_within_the_budget_keep_it() -> None:
    assert video.plan([ONE] * 3, 160**2) == video.Settings(frames=8, side=56, channels=3)


def test_short_videos_give_as_many_frames_as_they_have() -> None:
    assert video.plan([varied(frames=5)] * 3, 160**2).frames == 5


@pytest.mark.parametrize("budget", [0, 32**2, 64**2, 160**2, 10_000_000])
def test_large_videos_are_reduced_to_what_the_budget_affords(budget: int) -> None:
    found = video.plan([varied(height=1080, width=1920, frames=500)] * 3, budget)
    assert found.side in range(video.LEAST_SIDE, video.MOST_SIDE + 1, 8)
    assert found.side == video.LEAST_SIDE or found.frames * found.side**2 <= video.CHEAPER * budget


def test_one_video_in_colour_makes_all_of_them_coloured() -> None:
    assert video.plan([varied(channels=1)] * 3, 9_000).channels == 1
    assert video.plan([varied(channels=1), ONE], 9_000).channels == 3


def test_the_sentence_names_sizes_lengths_and_frames() -> None:
    headers = [ONE, varied(height=100, width=80, seconds=2.5)]
    said = video.why(video.Settings(8, 64), headers)
    assert said == (
        "of videos of 1.33 to 2.5 s and 56×56 to 100×80 pixels (height×width), 8 frames evenly spread are used, "
        "64×64, in colour, whole, with bars"
    )
    assert video.why(video.Settings(8, 56, 1), [ONE]).endswith("56×56, grey")


def test_frames_are_standardised_by_the_training_part() -> None:
    items = np.random.default_rng(0).integers(0, 256, (20, 4, 6, 6, 3), dtype=np.uint8)
    learned = front_end.learn(items)
    assert front_end.learn(iter([items[:3], items[3:]])) == learned
    found = front_end.FrontEnd(learned)(torch.from_numpy(items))
    expected = np.moveaxis((items - items.mean((0, 1, 2, 3))) / items.std((0, 1, 2, 3)), -1, 2)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)
    assert video.shape(learned, items.shape[1:]) == found.shape[1:]


def test_videos_without_any_variation_are_survived() -> None:
    items = np.full((3, 4, 6, 6, 1), 7, np.uint8)
    assert front_end.learn(items)["std"] == [1.0]
    assert np.isfinite(video.features(items)).all()


def moving(step: tuple[int, int], count: int = 40, seed: int = 0) -> np.ndarray:
    """Squares that move by whole pixels and come back at the other rim: uint8 [count, 8, 32, 32, 1]."""
    starts = np.random.default_rng(seed).integers(0, 32, (count, 2))
    picture = np.zeros((32, 32), np.uint8)
    picture[:6, :6] = 255
    paths = starts[:, None] + np.arange(8)[:, None] * step
    return np.array([[np.roll(picture, tuple(place), (0, 1)) for place in path] for path in paths])[..., None]


def test_the_floor_sees_which_way_things_move() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    steps = [(0, 3), (0, -3), (3, 0), (-3, 0)]
    target = np.repeat(range(4), 40)
    train, valid = (video.features(np.concatenate([moving(step, seed=seed + i) for i, step in enumerate(steps)]))
                    for seed in (0, 10))  # fmt: skip
    assert linear_model.LogisticRegression(max_iter=200).fit(train, target).score(valid, target) > 0.95


def test_two_frames_are_enough_for_features() -> None:
    assert np.isfinite(video.features(np.zeros((2, 2, 9, 12, 3), np.uint8))).all()
