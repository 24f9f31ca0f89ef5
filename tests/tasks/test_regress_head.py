"""The losses of a number against formulas by hand and torch, and answers in the target's own units."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from penjing.batch import Batch
from penjing.tasks import regress
from penjing.tasks.regress.head import Head, Scale, half_squared_error, huber, item_losses, loss

PRICES = np.exp(np.random.default_rng(0).normal(12.0, 0.6, 400)).astype(np.float32)
LEARNED = regress.learn(PRICES)
PLAIN = regress.Settings(target_transform="none")


def batch(target: torch.Tensor, weight: torch.Tensor | None = None) -> Batch:
    return Batch({}, {"price": target}, torch.arange(len(target)), weight=weight)


def test_half_squared_error_is_the_published_j_and_its_gradient_the_difference() -> None:
    predicted, truth = torch.tensor([3.0, 1.0], requires_grad=True), torch.tensor([1.0, 4.0])
    j = half_squared_error(predicted, truth).mean()
    assert j.item() == pytest.approx((2.0**2 + 3.0**2) / (2 * 2))
    j.backward()
    assert predicted.grad is not None
    assert predicted.grad.tolist() == pytest.approx([2.0 / 2, -3.0 / 2])


@pytest.mark.parametrize("delta", [0.5, 1.0, 3.0])
def test_huber_agrees_with_torch(delta: float) -> None:
    predicted, truth = torch.linspace(-4, 4, 33), torch.zeros(33)
    expected = functional.huber_loss(predicted, truth, delta=delta, reduction="none")
    torch.testing.assert_close(huber(predicted, truth, delta), expected)


def test_on_standardised_numbers_j_is_j_over_the_variance() -> None:
    outputs, target = torch.tensor([[150_000.0], [200_000.0]]), torch.tensor([100_000.0, 230_000.0])
    own_units = half_squared_error(outputs[:, 0], target).mean().item()
    assert loss(outputs, batch(target), PLAIN, LEARNED).item() == pytest.approx(own_units / PRICES.var(), rel=1e-4)


def test_delta_is_in_standard_deviations_of_the_target() -> None:
    outputs = torch.tensor([[float(PRICES.mean() + 3 * PRICES.std())]])
    target = torch.tensor([float(PRICES.mean())])
    found = item_losses(outputs, target, regress.Settings("huber", 1.0, "none"), LEARNED)
    assert found.item() == pytest.approx(1.0 * (3 - 0.5), rel=1e-4)


def test_the_absolute_error_is_in_standard_deviations_of_the_target() -> None:
    outputs, target = torch.tensor([[150_000.0], [200_000.0]]), torch.tensor([100_000.0, 230_000.0])
    found = item_losses(outputs, target, regress.Settings("absolute", target_transform="none"), LEARNED)
    assert found.tolist() == pytest.approx([50_000 / PRICES.std(), 30_000 / PRICES.std()], rel=1e-4)


@pytest.mark.parametrize("transform", ["none", "log"])
def test_an_untrained_head_answers_about_the_middle_in_own_units(transform: str) -> None:
    head = Head(4, 1, LEARNED, regress.Settings(target_transform=transform))
    torch.nn.init.zeros_(head.linear.bias)
    middle = PRICES.mean() if transform == "none" else np.exp(np.log(PRICES).mean())
    assert head(torch.zeros(3, 4)).tolist() == pytest.approx(np.full((3, 1), middle), rel=1e-4)


@pytest.mark.parametrize("offset", [0.0, 500.0])
@pytest.mark.parametrize("transform", ["none", "log"])
def test_there_and_back_is_the_same_far_beyond_what_was_seen(transform: str, offset: float) -> None:
    values = PRICES if offset == 0 else np.append(PRICES, 0.0)
    scale = Scale(transform, regress.learn(values))
    standardised = torch.linspace(-4, 60, 400, requires_grad=True)
    there = scale(standardised)
    assert torch.isfinite(there).all()
    torch.testing.assert_close(scale.inverse(there), standardised, rtol=1e-3, atol=2e-3)
    there.sum().backward()
    assert standardised.grad is not None
    assert (standardised.grad > 0).all()


def test_the_way_back_from_a_logarithm_bends_without_a_kink() -> None:
    scale = Scale("log", LEARNED)
    bend = ((scale.bend - scale.mean) / scale.std).item()
    around = torch.tensor([bend - 1e-3, bend + 1e-3], requires_grad=True)
    scale(around).sum().backward()
    assert around.grad is not None
    assert around.grad[0].item() == pytest.approx(around.grad[1].item(), rel=5e-3)


def test_an_item_of_weight_two_counts_as_two_items() -> None:
    outputs, target = torch.tensor([[1e5], [2e5]]), torch.tensor([1.5e5, 1.6e5])
    weighted = loss(outputs, batch(target, torch.tensor([2.0, 1.0])), PLAIN, LEARNED)
    thrice = loss(outputs[[0, 0, 1]], batch(target[[0, 0, 1]]), PLAIN, LEARNED)
    assert weighted.item() == pytest.approx(thrice.item())
    nothing = loss(outputs, batch(target, torch.zeros(2)), PLAIN, LEARNED)
    assert nothing.item() == 0.0


def test_the_scale_travels_in_the_weights() -> None:
    head = Head(2, 1, LEARNED)
    other = Head(2, 1, regress.learn(PRICES * 3))
    other.load_state_dict(head.state_dict())
    features = torch.randn(5, 2)
    torch.testing.assert_close(head(features), other(features))


@pytest.mark.parametrize("name", regress.LOSSES)
@pytest.mark.parametrize("transform", ["none", "log"])
def test_every_loss_learns_prices(name: str, transform: str) -> None:
    torch.manual_seed(0)
    settings = regress.Settings(name, target_transform=transform)
    features = torch.from_numpy(np.stack([np.log(PRICES) - 12.0, PRICES / 1e5, np.ones_like(PRICES)], 1))
    head, target = Head(3, 1, LEARNED, settings), torch.from_numpy(PRICES)
    optimiser = torch.optim.Adam(head.parameters(), lr=0.05)
    for _ in range(300):
        optimiser.zero_grad()
        loss(head(features), batch(target), settings, LEARNED).backward()
        optimiser.step()
    assert regress.metric("r2")(PRICES, head(features).detach().numpy()) > 0.95
