"""What every optimiser promises: it learns, obeys its rate, and goes on from a saved state as if never stopped."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from penjing.core import plugins

NAMES = plugins.names("optimisers")


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(128, 2))


def items() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = torch.arange(64) % 2
    images = torch.randn(64, 1, 8, 8, generator=generator)
    images[:, :, :, 4:] += target.view(-1, 1, 1, 1) * 0.7
    return images, target


def take_steps(model: nn.Module, optimiser: torch.optim.Optimizer, count: int) -> float:
    images, target = items()
    loss = torch.tensor(0.0)

    def measured() -> torch.Tensor:
        optimiser.zero_grad()
        found = nn.functional.cross_entropy(model(images), target)
        found.backward()
        return found

    for _ in range(count):
        if getattr(optimiser, "measures_again", False):
            loss = optimiser.step(measured)
        else:
            loss = measured()
            optimiser.step()
    return loss.item()


def built(name: str, model: nn.Module, **settings: Any) -> torch.optim.Optimizer:
    module = plugins.load("optimisers", name)
    optimiser = module.build(model, module.Settings(**settings))
    assert isinstance(optimiser, torch.optim.Optimizer)
    return optimiser


def test_all_optimisers_are_found() -> None:
    expected = {"gradient_descent", "sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw", "muon", "schedule_free"}
    expected |= {"lbfgs"}
    assert set(NAMES) == expected


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_with_its_defaults(name: str) -> None:
    model = network()
    optimiser = built(name, model)
    first = take_steps(model, optimiser, 1)
    assert take_steps(model, optimiser, 60) < 0.6 * first


@pytest.mark.parametrize("name", NAMES)
def test_a_rate_of_zero_moves_nothing(name: str) -> None:
    model = network()
    before = copy.deepcopy(model.state_dict())
    optimiser = built(name, model)
    for group in optimiser.param_groups:
        group["lr"] = 0.0
    take_steps(model, optimiser, 2)
    for key, value in model.state_dict().items():
        torch.testing.assert_close(value, before[key], msg=key)


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_is_in_one_group_with_the_rate_of_the_settings(name: str) -> None:
    model = network()
    optimiser = built(name, model, rate=0.0123)
    held = [id(weight) for group in optimiser.param_groups for weight in group["params"]]
    assert sorted(held) == sorted(id(weight) for weight in model.parameters())
    assert {group["lr"] for group in optimiser.param_groups} == {0.0123}


@pytest.mark.parametrize("name", NAMES)
def test_it_goes_on_from_saved_memories_bit_for_bit(name: str) -> None:
    """The memories alone are saved, as tensors; the settings come from the recipe again."""
    model = network()
    optimiser = built(name, model)
    take_steps(model, optimiser, 3)
    other = copy.deepcopy(model)
    resumed = built(name, other)
    saved = copy.deepcopy(optimiser.state_dict()["state"])
    assert all(isinstance(value, torch.Tensor) for memories in saved.values() for value in memories.values())
    resumed.load_state_dict({**resumed.state_dict(), "state": saved})
    take_steps(model, optimiser, 3)
    take_steps(other, resumed, 3)
    for key, value in other.state_dict().items():
        assert torch.equal(value, model.state_dict()[key]), key
