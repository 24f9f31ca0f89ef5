"""Networks whose activation may be chosen, and those that may normalise their layers; by default neither is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from penjing.core import plugins
from penjing.core.errors import UsageError
from penjing.models._activations import FUNCTIONS, MODULES, SLOPE
from penjing.training._assemble import initialise

SHAPES: dict[str, tuple[int, ...]] = {
    "mlp": (1, 6, 6),
    "cnn": (3, 12, 12),
    "tabular": (9,),
}
NORMALISED = ("tabular",)


def built(name: str, **settings: Any) -> nn.Module:
    module = plugins.load("models", name)
    network: nn.Module = module.build(SHAPES[name], module.Settings(**settings))
    initialise(network, 0)
    return network


def batch(name: str, count: int = 8) -> Tensor:
    return torch.randn(count, *SHAPES[name], generator=torch.Generator().manual_seed(0))


def mlp(network: Any, values: Tensor) -> Tensor:
    hidden = values.flatten(1)
    for place in range(0, len(network.layers), 2):
        hidden = network.layers[place + 1](network.layers[place](hidden)[:, :, None, None])[:, :, 0, 0].relu()
    return hidden


def cnn(network: Any, values: Tensor) -> Tensor:
    for stage in network.stages:
        values = stage.widen_norm(F.max_pool2d(stage.widen(values), 2)).relu()
        values = values + stage.refine_norm(stage.refine(values)).relu()
    return values.amax((2, 3))


def tabular(network: Any, values: Tensor) -> Tensor:
    total = torch.zeros(())
    for member in range(network.members):
        hidden = network.input_weights(values, member)
        for layer in network.layers:
            hidden = layer(hidden).relu()
        total = hidden if member == 0 else total + hidden
    return total / network.members


WRITTEN: dict[str, tuple[Callable[[Any, Tensor], Tensor], set[str]]] = {
    "mlp": (mlp, {"layers"}),
    "cnn": (cnn, {"stages"}),
    "tabular": (tabular, {"input_weights", "layers"}),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_by_default_a_network_is_to_the_bit_what_it_was_before_there_was_a_choice(name: str) -> None:
    network, (written, parts) = built(name).eval(), WRITTEN[name]
    assert {key.split(".")[0] for key in network.state_dict()} == parts
    assert torch.equal(network(batch(name)), written(network, batch(name)))


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name != "relu"])
def test_another_activation_has_the_same_weights_and_other_answers(name: str, function: str) -> None:
    usual, other = built(name).eval(), built(name, activation=function).eval()
    assert list(usual.state_dict()) == list(other.state_dict())
    assert all(torch.equal(usual.state_dict()[key], value) for key, value in other.state_dict().items())
    assert not torch.allclose(usual(batch(name)), other(batch(name)))


@pytest.mark.parametrize("name", WRITTEN)
def test_an_activation_that_there_is_not_is_named(name: str) -> None:
    with pytest.raises(UsageError, match='there is no activation "rellu"; did you mean "relu"'):
        built(name, activation="rellu")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_function_and_the_module_of_a_name_are_the_same(name: str) -> None:
    values = torch.linspace(-4, 4, 50)
    assert set(FUNCTIONS) == set(MODULES)
    assert torch.equal(FUNCTIONS[name](values), MODULES[name]()(values))


def test_below_zero_the_leaky_one_has_a_tenth_of_the_slope() -> None:
    values = torch.tensor([-2.0, 3.0])
    assert torch.equal(FUNCTIONS["leaky_relu"](values), torch.tensor([-2 * SLOPE, 3.0]))


@pytest.mark.parametrize("name", NORMALISED)
def test_normalised_layers_share_all_other_weights_and_stand_at_the_same_scale(name: str) -> None:
    usual, other = built(name), built(name, has_norm=True)
    weights = other.state_dict()
    assert {key.split(".")[0] for key in weights} - WRITTEN[name][1] == {"norms"}
    assert all(torch.equal(weights[key], value) for key, value in usual.state_dict().items())
    torch.manual_seed(0)
    loud, quiet = (other.train()(times * batch(name, 64)).detach() for times in (1000.0, 1.0))
    assert 0.2 < float(loud.std()) < 2
    assert float(quiet.std()) == pytest.approx(float(loud.std()), rel=0.3)
    assert float(usual.train()(1000.0 * batch(name, 64)).detach().std()) > 20
    assert other.train()(batch(name, 1)).isfinite().all()


@pytest.mark.parametrize("name", NORMALISED)
def test_every_weight_of_a_normalised_network_learns(name: str) -> None:
    network = built(name, has_norm=True, activation="leaky_relu")
    torch.manual_seed(0)
    (network(batch(name)) * torch.randn(8, network.features)).sum().backward()  # type: ignore[arg-type]
    assert not [key for key, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]


def test_where_gradients_vanish_a_deep_network_of_tables_learns_by_plain_descent_only_if_normalised() -> None:
    values = torch.randn(256, *SHAPES["tabular"], generator=torch.Generator().manual_seed(0))
    target = (values[:, 0] * values[:, 1] > 0).long()

    def loss_after_training(has_norm: bool) -> float:
        torch.manual_seed(0)
        settings = {"depth": 8, "width": 32, "dropout": 0.0, "members": 1}
        network = nn.Sequential(built("tabular", has_norm=has_norm, **settings), nn.Linear(32, 2))
        optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
        for _ in range(150):
            loss = F.cross_entropy(network(values), target)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return float(loss.detach())

    assert loss_after_training(has_norm=False) > 0.65  # chance is the logarithm of 2, 0.69
    assert loss_after_training(has_norm=True) < 0.2
