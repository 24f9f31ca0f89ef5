"""What each augmentation does to a picture, against the same done plainly."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from penjing.modalities.image.augmentations import colour, crop, erase, flip, rotate, trivial, zoom
from penjing.modalities.image.augmentations._affine import matrices, sample


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 200, height: int = 8, width: int = 8, channels: int = 3) -> Tensor:
    return torch.randn(count, height, width, channels, generator=generator(9)).permute(0, 3, 1, 2)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shift", [0.0, 0.05, 0.125, 0.5, 0.99])
def test_bytes_are_cropped_as_other_numbers_are(shift: float, channels: int) -> None:
    pixels = torch.randint(0, 256, (20, 9, 8, channels), generator=generator(1), dtype=torch.uint8)
    found, other = (
        crop.apply(one.permute(0, 3, 1, 2), generator(), crop.Settings(shift=shift)) for one in (pixels, pixels.float())
    )
    assert found.dtype == torch.uint8
    assert torch.equal(found.float(), other)


def test_flip_mirrors_left_and_right_and_about_half() -> None:
    images = pictures()
    found = flip.apply(images, generator(), flip.Settings())
    mirrored = torch.tensor([torch.equal(a, b.flip(2)) for a, b in zip(found, images, strict=True)])
    kept = torch.tensor([torch.equal(a, b) for a, b in zip(found, images, strict=True)])
    assert (mirrored ^ kept).all()
    assert 70 < mirrored.sum() < 130


def test_flip_always_mirrors_at_rate_one() -> None:
    images = pictures()
    assert torch.equal(flip.apply(images, generator(), flip.Settings(rate=1.0)), images.flip(3))


def test_pictures_without_an_up_are_turned_over_too() -> None:
    images = pictures()
    found = flip.apply(images, generator(), flip.Settings(rate=1.0, upright=False))
    assert torch.equal(found, images.flip(3).flip(2))


def test_crop_cuts_windows_out_of_the_mirrored_picture() -> None:
    images = pictures(300, 8, 12)
    found = crop.apply(images, generator(), crop.Settings(shift=0.25))
    seen = set()
    for before, after in zip(images.numpy(), found.numpy(), strict=True):
        padded = np.pad(before, ((0, 0), (2, 2), (3, 3)), mode="reflect")
        windows = [(y, x) for y in range(5) for x in range(7) if (padded[:, y : y + 8, x : x + 12] == after).all()]
        assert len(windows) == 1
        seen.add(windows[0])
    assert len(seen) == 5 * 7, "every shift is drawn sooner or later"


def test_crop_takes_the_longest_shift_there_is() -> None:
    images = pictures(4, 2, 2)
    assert crop.apply(images, generator(), crop.Settings(shift=0.99)).shape == images.shape


@pytest.mark.parametrize(("height", "width"), [(9, 9), (9, 15)])
def test_a_quarter_turn_is_that_of_numpy(height: int, width: int) -> None:
    images = pictures(2, height, width)
    turn = torch.full((2,), math.pi / 2)
    found = sample(images, matrices(turn, torch.ones(2), (height, width)))
    side = min(height, width)
    left = (width - side) // 2
    middle = images[:, :, :, left : left + side]
    expected = np.rot90(middle.numpy(), axes=(2, 3))
    np.testing.assert_allclose(found[:, :, :, left : left + side].numpy(), expected, atol=1e-4)


def test_rotate_leaves_the_middle_where_it_is() -> None:
    images = pictures(20, 9, 9)
    found = rotate.apply(images, generator(), rotate.Settings(degrees=40.0))
    torch.testing.assert_close(found[:, :, 4, 4], images[:, :, 4, 4], atol=1e-4, rtol=1e-4)


def test_rotate_turns_by_at_most_the_angle() -> None:
    images = torch.linspace(-1, 1, 33).view(1, 1, 1, 33).expand(100, 1, 33, 33)
    found = rotate.apply(images, generator(), rotate.Settings(degrees=20.0))
    across = found[:, 0, 16, 17] - found[:, 0, 16, 15]
    down = found[:, 0, 17, 16] - found[:, 0, 15, 16]
    angle = torch.atan2(down, across) * 180 / math.pi
    assert 15 < angle.abs().max() <= 20.001
    assert angle.min() < 0 < angle.max()


def test_zoom_shows_a_part_within_the_picture() -> None:
    ramp = torch.linspace(-1, 1, 32).view(1, 1, 1, 32).expand(200, 1, 32, 32)
    found = zoom.apply(ramp, generator(), zoom.Settings(smallest=0.25, stretch=1.0))
    span = found[:, 0, 16, -1] - found[:, 0, 16, 0]
    # the side is the root of the area, from a half to the whole
    assert 0.9 < span.min() < 1.1
    assert 1.9 < span.max() <= 2.001


def test_erase_covers_one_rectangle_of_the_asked_size() -> None:
    images = torch.ones(200, 20, 20, 3).permute(0, 3, 1, 2)
    found = erase.apply(images, generator(), erase.Settings(rate=1.0, smallest=0.2, largest=0.5))
    for item in found:
        covered = item[0] == 0
        rows, columns = covered.any(1), covered.any(0)
        assert torch.equal(covered, rows[:, None] & columns[None, :])
        assert all(3 <= int(side.sum()) <= 11 for side in (rows, columns))
        assert torch.equal(item[0], item[2])


def test_erase_leaves_the_other_pictures_alone() -> None:
    images = torch.ones(400, 3, 8, 8)
    found = erase.apply(images, generator(), erase.Settings(rate=0.25, smallest=0.5, largest=0.5))
    assert 70 < (found == 0).any(3).any(2).any(1).sum() < 130


def test_brightness_shifts_all_channels_alike() -> None:
    images = pictures()
    found = colour.apply(images, generator(), colour.Settings(brightness=0.5, contrast=0.0, saturation=0.0))
    shift = found - images
    torch.testing.assert_close(shift, shift[:, :1, :1, :1].expand_as(shift))
    assert 0.4 < shift.abs().max() <= 0.5001


def test_contrast_keeps_the_mean() -> None:
    images = pictures()
    found = colour.apply(images, generator(), colour.Settings(brightness=0.0, contrast=0.5, saturation=0.0))
    torch.testing.assert_close(found.mean((1, 2, 3)), images.mean((1, 2, 3)), atol=1e-5, rtol=0)
    ratio = found.std((1, 2, 3)) / images.std((1, 2, 3))
    assert 0.5 <= ratio.min() < 0.6
    assert 1.4 < ratio.max() <= 1.5


def test_saturation_keeps_the_grey_and_leaves_grey_pictures_alone() -> None:
    images = pictures()
    settings = colour.Settings(brightness=0.0, contrast=0.0, saturation=0.9)
    found = colour.apply(images, generator(), settings)
    torch.testing.assert_close(found.mean(1), images.mean(1), atol=1e-5, rtol=0)
    grey = images[:, :1].expand(-1, 3, -1, -1)
    torch.testing.assert_close(colour.apply(grey, generator(), settings), grey, atol=1e-5, rtol=0)


def test_trivial_changes_each_picture_in_one_way() -> None:
    images = pictures(400, 16, 16)
    found = trivial.apply(images, generator(), trivial.Settings())
    changed = (found - images).abs().amax((1, 2, 3)) > 1e-6
    assert 0.7 < changed.float().mean() < 0.95, "one of its ways is to change nothing"


def test_trivial_of_little_strength_changes_little() -> None:
    images = pictures(200, 16, 16)
    strong, weak = (
        (trivial.apply(images, generator(), trivial.Settings(strength=strength)) - images).abs().mean()
        for strength in (1.0, 0.1)
    )
    assert weak < 0.5 * strong
