"""What each change of a video does, the same in all of its frames, by formulas written down here."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from penjing.core import plugins
from penjing.modalities.video.augmentations import brightness, pan

CHANGES = {pan: {"reach": 0.0}, brightness: {"level": 0.0, "contrast": 0.0}}  # and what changes nothing


def clips(count: int = 32, time: int = 4, height: int = 8, width: int = 12) -> Tensor:
    return torch.randn(count, time, height, width, 3, generator=torch.Generator().manual_seed(0)).permute(0, 1, 4, 2, 3)


def draw(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_changes_are_found_as_plug_ins() -> None:
    assert {"brightness", "pan"} <= set(plugins.names("augmentations"))


@pytest.mark.parametrize("module", CHANGES)
def test_shape_layout_and_what_is_given_are_kept(module: ModuleType) -> None:
    given = clips()
    before = given.clone()
    found = module.apply(given, draw(), module.Settings())
    assert (found.shape, found.stride(), found.dtype) == (given.shape, given.stride(), given.dtype)
    assert torch.equal(given, before)
    assert torch.equal(module.apply(given, draw(), module.Settings()), found)
    assert not torch.equal(module.apply(given, draw(4), module.Settings()), found)


@pytest.mark.parametrize(("module", "neutral"), CHANGES.items())
def test_neutral_settings_change_nothing(module: ModuleType, neutral: dict[str, Any]) -> None:
    torch.testing.assert_close(module.apply(clips(), draw(), module.Settings(**neutral)), clips())


@pytest.mark.parametrize("module", CHANGES)
def test_all_frames_of_a_clip_change_alike_and_clips_do_not(module: ModuleType) -> None:
    still = clips(1, 1).expand(32, 4, 3, 8, 12)
    found = module.apply(still, draw(), module.Settings())
    assert torch.equal(found, found[:, :1].expand_as(found))
    assert len({tuple(item.flatten().tolist()) for item in found}) > 8


def test_pan_moves_whole_pixels_and_repeats_the_rim() -> None:
    given = clips(64)
    found = pan.apply(given, draw(), pan.Settings(0.25)).numpy()
    places = set()
    for before, after in zip(given.numpy(), found, strict=True):
        padded = np.pad(before, ((0, 0), (0, 0), (2, 2), (3, 3)), mode="edge")
        matches = [
            (row, column)
            for row in range(5)
            for column in range(7)
            if np.array_equal(padded[:, :, row : row + 8, column : column + 12], after)
        ]
        assert len(matches) == 1
        places |= set(matches)
    assert {row for row, _ in places} == set(range(5))
    assert {column for _, column in places} == set(range(7))


def test_brightness_is_a_straight_line_within_its_bounds() -> None:
    given = clips(200)
    found = brightness.apply(given, draw(), brightness.Settings(0.5, 0.2))
    spread = found.flatten(1).std(1) / given.flatten(1).std(1)
    lift = found.flatten(1).mean(1) - given.flatten(1).mean(1)
    assert 0.8 <= spread.min() < 0.83
    assert 1.17 < spread.max() <= 1.2
    assert 0.45 < lift.abs().max() <= 0.5
