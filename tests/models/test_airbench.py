"""The fixed filters whiten patches and stay as they are; the convolutions begin by passing on what they get."""

from __future__ import annotations

import numpy as np
import torch

from penjing.models.airbench import AT_ONCE, FLOOR, Identity, Patches, Settings, build


def photos(count: int = 64, channels: int = 3, side: int = 16) -> torch.Tensor:
    """Smooth noise: neighbouring pixels are alike, as in photos."""
    noise = torch.randn(count, channels, side + 4, side + 4, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.avg_pool2d(noise, 5, 1) * 5


def test_learned_filters_make_patches_uncorrelated_and_of_unit_variance() -> None:
    maps, patches = photos(), Patches(3)
    patches.learn(maps)
    found = patches.filters(maps)[:, :12].permute(1, 0, 2, 3).flatten(1).double().numpy()
    assert np.allclose(found @ found.T / found.shape[1], np.eye(12), atol=0.02)  # the floor takes a little away


def test_the_other_half_of_the_filters_is_the_first_half_below_zero() -> None:
    patches = Patches(1)
    patches.learn(photos(channels=1))
    assert patches.outputs == 8
    weight = patches.filters.weight
    assert torch.equal(weight[:4], -weight[4:])


def test_filters_of_more_pictures_than_are_looked_at_at_once_are_those_of_all_their_patches() -> None:
    maps, patches = photos(2 * AT_ONCE + 9, side=8), Patches(3)
    patches.learn(maps)
    every = torch.nn.functional.unfold(maps, 2).transpose(1, 2).flatten(0, 1).double()
    spread, directions = torch.linalg.eigh(every.T @ every / len(every))
    filters = (directions / (spread + FLOOR).sqrt()).T.float().view(-1, 3, 2, 2)
    found = patches.filters.weight[: len(filters)]
    signs = (found * filters).sum((1, 2, 3), keepdim=True).sign()  # a direction may be turned round
    assert torch.allclose(found, signs * filters, rtol=1e-4, atol=1e-5)


def test_training_leaves_the_filters_alone_and_moves_all_else() -> None:
    network = build((3, 16, 16), Settings(width=16))
    network.learn(photos())
    network(photos(8)).square().sum().backward()
    assert network.patches is not None
    assert network.patches.filters.weight.grad is None
    assert all(weight.grad is not None for name, weight in network.named_parameters() if "filters" not in name)


def test_a_convolution_begins_by_passing_on_what_it_gets() -> None:
    layer = Identity(3, 8, 3, 1, 1)
    layer.reset_parameters()
    maps = photos(4)
    assert torch.allclose(layer(maps)[:, :3], maps, atol=1e-6)


def test_large_pictures_begin_with_a_convolution_that_is_learned() -> None:
    network = build((3, 96, 96), Settings(width=16))
    assert network.patches is None
    assert network(photos(2, side=96)).shape == (2, network.features)
