"""The four formulas of the article against numbers by hand. `docs/formulas.md` lists them and all others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from penjing.batch import Batch
from penjing.models import image_example
from penjing.tasks import regress
from penjing.tasks.classify.head import half_squared_error
from penjing.tasks.regress import head as regress_head
from penjing.training._step import Supervised
from penjing.training.optimisers import gradient_descent, sgd


class Line(nn.Module):
    """ŷ = θ₁x + θ₀, from a half and nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.slope, self.height = nn.Parameter(torch.tensor(0.5)), nn.Parameter(torch.tensor(0.0))

    def forward(self, batch: Batch) -> Tensor:
        values = batch.inputs["x"]
        assert isinstance(values, Tensor)
        return self.slope * values + self.height


def points() -> Batch:
    """Two points, (1, 2) and (2, 3)."""
    return Batch({"x": torch.tensor([[1.0], [2.0]])}, {"y": torch.tensor([[2.0], [3.0]])}, torch.arange(2))


def half_mean_square(outputs: Tensor, batch: Batch) -> Tensor:
    return half_squared_error(outputs, batch.targets["y"]).mean()


def test_one_step_of_gradient_descent_on_the_half_squared_error_by_hand() -> None:
    # ŷ = 0.5 and 1, so ŷ − y = −1.5 and −2; J = (2.25 + 4) / (2 · 2)
    # ∂J/∂θ₁ = (−1.5 · 1 − 2 · 2) / 2 = −2.75 and ∂J/∂θ₀ = (−1.5 − 2) / 2 = −1.75
    line = Line()
    optimiser = gradient_descent.build(line, gradient_descent.Settings(rate=0.1))
    loss = Supervised(line, half_mean_square, optimiser, seed=0).update(points(), step=0, factor=1.0)
    assert loss.item() == pytest.approx(1.5625)
    assert line.slope.item() == pytest.approx(0.5 + 0.1 * 2.75)
    assert line.height.item() == pytest.approx(0.1 * 1.75)


def test_half_the_squared_error_of_a_number_by_hand() -> None:
    # the targets 2 and 6 have mean 4 and standard deviation 2; ŷ = 5 and 6 are ½ and 1, y are −1 and 1
    learned = regress.learn(np.array([2.0, 6.0]))
    batch = Batch({}, {"y": torch.tensor([2.0, 6.0])}, torch.arange(2))
    settings = regress.Settings(target_transform="none")
    found = regress_head.loss(torch.tensor([[5.0], [6.0]]), batch, settings, learned)
    assert found.item() == pytest.approx((1.5**2 + 0) / (2 * 2))


def test_huber_by_hand() -> None:
    # errors of ½, 1 and 3 with δ = 1: ½ · ¼, ½ · 1, 1 · (3 − ½)
    found = regress_head.huber(torch.tensor([0.5, -1.0, 3.0]), torch.zeros(3), 1.0)
    assert found.tolist() == pytest.approx([0.125, 0.5, 2.5])


def test_the_moving_average_of_the_weights_by_hand() -> None:
    # the first step keeps 1 part in 10 of the start, the second 2 parts in 11, until the setting is less than that
    line = Line()
    step = Supervised(line, half_mean_square, sgd.build(line, sgd.Settings(rate=0.1)), seed=0, ema=0.15)
    expected = line.slope.item()
    for number, kept in enumerate((0.1, 0.15)):
        step.update(points(), number, factor=1.0)
        expected = kept * expected + (1 - kept) * line.slope.item()
    assert step.weights()["slope"].item() == pytest.approx(expected)


def test_a_convolution_is_a_sum_of_products_by_hand() -> None:
    network = image_example.build((1, 10, 10), image_example.Settings(first=1, second=1, dense=1))
    edge = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
    with torch.no_grad():
        network.first.weight.copy_(edge.view(1, 1, 3, 3))
        network.first.bias = nn.Parameter(torch.tensor([0.5]))
    ramp = torch.arange(10.0).square().repeat(10, 1).view(1, 1, 10, 10)
    # column j sees 4 (j² − (j + 2)²) + 0.5 = −16 j − 15.5; a kernel that was mirrored would see the opposite
    expected = (-16 * torch.arange(8.0) - 15.5).repeat(8, 1)
    torch.testing.assert_close(network.first(ramp)[0, 0].detach(), expected)


def convolved(maps: np.ndarray, kernels: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """max(0, W ∗ x + b) [filters, height − 2, width − 2], every product written out."""
    filters, channels, size, _ = kernels.shape
    height, width = maps.shape[1] - size + 1, maps.shape[2] - size + 1
    found = np.zeros((filters, height, width))
    for f, y, x in np.ndindex(filters, height, width):
        total = bias[f]
        for c, dy, dx in np.ndindex(channels, size, size):
            total += kernels[f, c, dy, dx] * maps[c, y + dy, x + dx]
        found[f, y, x] = max(0.0, total)
    return found


def pooled(maps: np.ndarray) -> np.ndarray:
    """The largest of each 2 × 2 window; an odd last row or column is left out."""
    channels, height, width = maps.shape
    found = np.zeros((channels, height // 2, width // 2))
    for c, y, x in np.ndindex(*found.shape):
        found[c, y, x] = max(maps[c, 2 * y + dy, 2 * x + dx] for dy in (0, 1) for dx in (0, 1))
    return found


def test_the_image_example_is_its_formulas_written_out_with_loops() -> None:
    torch.manual_seed(0)
    network = image_example.build((2, 11, 12), image_example.Settings(first=2, second=3, dense=4))
    image = torch.randn(1, 2, 11, 12)
    weights = {name: value.double().numpy() for name, value in network.state_dict().items()}
    maps = image[0].double().numpy()
    for layer in ("first", "second"):
        maps = pooled(convolved(maps, weights[f"{layer}.weight"], weights[f"{layer}.bias"]))
    expected = np.maximum(0.0, weights["dense.weight"] @ maps.reshape(-1) + weights["dense.bias"])
    found = network(image)[0].detach().double().numpy()
    assert (expected > 0).any()
    np.testing.assert_allclose(found, expected, atol=1e-5)
