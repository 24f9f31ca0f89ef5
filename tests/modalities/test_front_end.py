"""Pixels in, standardised maps out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from penjing.modalities.image.front_end import FrontEnd, learn
from penjing.modalities.image.rim import is_rim, rim


def pixels(count: int = 50, side: int = 8, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, channels), dtype=np.uint8)


def test_mean_and_spread_are_those_of_numpy() -> None:
    items = pixels()
    learned = learn(items)
    assert learned["mean"] == pytest.approx((items / 255).mean((0, 1, 2)), abs=1e-12)
    assert learned["std"] == pytest.approx((items / 255).std((0, 1, 2)), abs=1e-12)


def test_items_in_chunks_or_in_another_order_teach_the_same() -> None:
    items = pixels(3000)
    chunks = (items[start : start + 7] for start in reversed(range(0, len(items), 7)))
    assert learn(chunks) == learn(items)


@pytest.mark.parametrize("channels", [1, 3])
def test_maps_have_mean_zero_and_spread_one(channels: int) -> None:
    items = pixels(channels=channels)
    maps = FrontEnd(learn(items))(torch.from_numpy(items))
    assert maps.shape == (50, channels, 8, 8)
    assert maps.dtype == torch.float32
    torch.testing.assert_close(maps.mean((0, 2, 3)), torch.zeros(channels), atol=1e-5, rtol=0)
    torch.testing.assert_close(maps.std((0, 2, 3), correction=0), torch.ones(channels))


def test_a_pixel_lands_where_it_was() -> None:
    items = pixels(2)
    maps = FrontEnd({"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]})(torch.from_numpy(items))
    assert round(maps[1, 2, 3, 4].item() * 255) == items[1, 3, 4, 2]


@pytest.mark.parametrize("channels", [1, 3])
def test_maps_lie_channels_last(channels: int) -> None:
    maps = FrontEnd(learn(pixels(channels=channels)))(torch.from_numpy(pixels(channels=channels)))
    # strides are asked for, because PyTorch calls every one-channel layout channels-last
    assert maps.stride() == (8 * 8 * channels, 1, 8 * channels, channels)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_border_that_is_hidden_is_the_mean_and_the_rest_stays_as_it_is(channels: int) -> None:
    items = torch.from_numpy(pixels(count=3, side=20, channels=channels))
    learned = learn(items.numpy())
    whole, bordered = FrontEnd(learned)(items), FrontEnd({**learned, "border": 0.1})(items)
    assert torch.equal(bordered[:, :, 2:-2, 2:-2], whole[:, :, 2:-2, 2:-2])
    assert bordered.count_nonzero() == whole[:, :, 2:-2, 2:-2].count_nonzero()
    assert bordered.stride() == whole.stride()


@pytest.mark.parametrize(
    ("height", "width", "edges"), [(28, 28, (3, 3)), (20, 96, (2, 10)), (5, 4, (1, 1)), (2, 1, (0, 0))]
)
def test_a_border_is_a_share_of_each_side_and_leaves_something(height: int, width: int, edges: tuple[int, int]) -> None:
    assert rim(height, width, 0.1) == edges
    assert not is_rim(height, width, 0.1).all()
    assert rim(height, width, 0.0) == (0, 0)


def test_a_channel_without_variation_does_not_divide_by_zero() -> None:
    items = np.full((4, 8, 8, 1), 7, dtype=np.uint8)
    learned = learn(items)
    assert learned["std"] == [1.0]
    assert torch.isfinite(FrontEnd(learned)(torch.from_numpy(items))).all()


def test_what_is_learned_is_plain_and_travels_in_the_weights() -> None:
    learned = learn(pixels())
    assert all(type(value) is float for values in learned.values() for value in values)
    assert set(FrontEnd(learned).state_dict()) == {"mean", "std"}
