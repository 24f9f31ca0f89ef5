"""What is particular to each network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from penjing.models import cnn, image_example, mlp
from penjing.models._layers import BatchNorm, Dropout, rounded


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def test_the_image_example_has_the_published_number_of_weights() -> None:
    network = nn.Sequential(image_example.build((1, 28, 28), image_example.Settings()), nn.Linear(64, 10))
    first, second, dense, last = 32 * 9 + 32, 64 * 32 * 9 + 64, 64 * 5 * 5 * 64 + 64, 10 * 64 + 10
    assert count(network) == first + second + dense + last == 121_930


def test_the_image_example_gives_what_its_layers_in_the_published_order_give() -> None:
    network = image_example.build((1, 28, 28), image_example.Settings())
    published = nn.Sequential(
        *(network.first, nn.ReLU(), nn.MaxPool2d(2), network.second, nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), network.dense, nn.ReLU()),
    )
    images = torch.randn(3, 1, 28, 28)
    torch.testing.assert_close(network(images), published(images))


@pytest.mark.parametrize("side", [4, 5, 8, 9, 10, 11])
def test_the_image_example_takes_pictures_too_small_for_unpadded_convolutions(side: int) -> None:
    assert image_example.build((1, side, side), image_example.Settings())(torch.zeros(2, 1, side, side)).shape == (
        2,
        64,
    )


def test_the_first_layer_of_the_mlp_does_not_grow_with_the_picture() -> None:
    large, small = (count(mlp.build((3, side, side), mlp.Settings())) for side in (224, 32))
    assert large == small


@pytest.mark.parametrize(("side", "last"), [(4, 1), (8, 2), (28, 3), (32, 4), (64, 4), (96, 3), (224, 3)])
def test_the_last_maps_of_the_cnn_are_about_as_small_whatever_the_picture(side: int, last: int) -> None:
    network = cnn.build((3, side, side), cnn.Settings(width=8))
    seen = []
    network.stages.register_forward_hook(lambda module, inputs, output: seen.append(output.shape[-1]))
    network(torch.zeros(2, 3, side, side))
    assert seen == [last]


def test_the_cnn_takes_oblong_pictures() -> None:
    assert cnn.build((3, 20, 64), cnn.Settings(width=8))(torch.zeros(2, 3, 20, 64)).ndim == 2


def test_one_item_is_normalised_by_the_running_statistics() -> None:
    norm, plain = BatchNorm(3), nn.BatchNorm2d(3).eval()
    item = torch.randn(1, 3, 1, 1)
    torch.testing.assert_close(norm(item), plain(item))
    assert norm.num_batches_tracked == 0


def test_several_items_are_normalised_as_ever() -> None:
    norm, plain = BatchNorm(3), nn.BatchNorm2d(3)
    items = torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(norm(items), plain(items))
    torch.testing.assert_close(norm.running_var, plain.running_var)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.75])
def test_dropout_silences_its_share_and_keeps_the_mean(share: float) -> None:
    torch.manual_seed(0)
    values = torch.ones(999, 1001, requires_grad=True)
    found = Dropout(share)(values)
    found.sum().backward()
    assert values.grad is not None
    assert torch.equal(values.grad, found)  # what is silenced learns nothing
    assert found.unique().tolist() == pytest.approx([0.0, 1 / (1 - share)])
    assert (found == 0).float().mean().item() == pytest.approx(share, abs=0.003)
    rows = (found == 0).float().mean(1)
    assert rows.std().item() == pytest.approx((share * (1 - share) / 1001) ** 0.5, rel=0.15)  # each by itself


@pytest.mark.parametrize("share", [0.0, 0.9999, 1.0])
def test_dropout_of_nothing_and_of_all_is_pytorchs(share: float) -> None:
    torch.manual_seed(0)
    found = Dropout(share)(torch.ones(50, 40))
    torch.manual_seed(0)
    assert torch.equal(found, nn.Dropout(share)(torch.ones(50, 40)))
    assert torch.equal(Dropout(0.5).eval()(torch.ones(3)), torch.ones(3))


def test_dropout_is_the_same_from_the_same_draw() -> None:
    torch.manual_seed(3)
    first, second = (Dropout(0.5)(torch.ones(7, 3)) for _ in range(2))
    torch.manual_seed(3)
    assert torch.equal(first, Dropout(0.5)(torch.ones(7, 3)))
    assert not torch.equal(first, second)


def test_widths_are_whole_vectors() -> None:
    assert [rounded(width) for width in (0.1, 11.9, 12.0, 20.0, 45.2)] == [8, 8, 16, 24, 48]
