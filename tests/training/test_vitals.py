"""What the record says of gradients, layers and units is what a calculation by hand says."""

import math

import pytest
import torch
from torch import nn

from penjing.training import _vitals


def learned(network, rate=0.1, updates=2, scale=1.0):
    """A pulse of the last of some updates by plain gradient descent, and the last two gradients."""
    pulse = _vitals.Pulse(network)
    draw = torch.Generator().manual_seed(0)
    gradients = []
    for _ in range(updates):
        inputs = torch.randn(8, 4, generator=draw)
        pulse.before(scale)
        network.zero_grad(set_to_none=True)
        network(inputs).square().mean().backward()
        gradients.append(torch.cat([weight.grad.flatten() for weight in network.parameters()]))
        with torch.no_grad():
            for weight in network.parameters():
                weight -= rate * weight.grad
    return pulse.after(scale), gradients


def test_gradients_are_measured_whole_by_layer_and_against_the_one_before():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    found, (earlier, last) = learned(network)
    assert found["gradient/norm"] == pytest.approx(float(last.norm()))
    assert found["gradient/square"] == pytest.approx(float(last.square().sum() + earlier.square().sum()) / 2)
    assert found["gradient/shared"] == pytest.approx(float(last @ earlier), rel=1e-5)
    assert found["layer/0/grad_norm"] == pytest.approx(float(last[:15].norm()))
    moved = found["layer/1/update_ratio"] * found["layer/1/weight_norm"]
    assert moved == pytest.approx(0.1 * float(last[15:].norm()), rel=1e-4)


def test_a_gradient_that_was_clipped_is_told_as_it_was():
    torch.manual_seed(0)
    network = nn.Linear(4, 3)
    found, (_, last) = learned(network, scale=5.0)
    assert found["gradient/norm"] == pytest.approx(5 * float(last.norm()))


def test_the_first_update_has_nothing_to_be_compared_with():
    found, _ = learned(nn.Linear(4, 3), updates=1)
    assert "gradient/norm" in found
    assert "gradient/shared" not in found


def test_a_layer_whose_weights_are_zero_has_no_update_ratio():
    network = nn.Linear(4, 3)
    for weight in network.parameters():
        nn.init.zeros_(weight)
    found = learned(network, updates=1)[0]
    assert "layer/network/update_ratio" not in found
    assert found["layer/network/weight_norm"] == 0


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.ReLU(inplace=True), nn.GELU(), nn.SiLU()])
def test_units_that_never_speak_are_dead(activation):
    network = nn.Sequential(nn.Linear(4, 8), activation)
    nn.init.zeros_(network[0].weight)
    with torch.no_grad():
        network[0].bias.copy_(torch.tensor([-20.0] * 6 + [1.0] * 2))
    found = _vitals.activations(network, torch.randn(16, 4))
    assert found["activation/1/dead"] == 0.75


def test_the_units_of_a_convolution_are_its_channels():
    network = nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU())
    with torch.no_grad():
        network[0].bias.copy_(torch.tensor([-100.0, 0.0, 0.0, 0.0]))
    assert _vitals.activations(network, torch.randn(16, 2, 9))["activation/1/dead"] == 0.25


def test_units_at_a_bound_are_saturated():
    network = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))
    nn.init.zeros_(network[0].weight)
    with torch.no_grad():
        network[0].bias.copy_(torch.tensor([9.0, -9.0, 0.0, 0.5]))
    found = _vitals.activations(network, torch.randn(16, 4))
    assert found["activation/1/saturated"] == 0.5
    assert "activation/1/dead" not in found


def test_answers_at_a_bound_are_sure_and_no_units_that_are_stuck():
    """Outputs of sigmoid of a network of its own, for labels most of which are rare."""
    network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 6), nn.Sigmoid(), nn.Flatten())
    with torch.no_grad():
        network[2].bias.fill_(-20.0)
    found = _vitals.activations(network, torch.randn(16, 4))
    assert [name for name in found if name.endswith("/saturated")] == ["activation/1/saturated"]


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.GELU(), nn.SiLU(), nn.Hardswish()])
def test_a_layer_of_small_numbers_is_not_silent(activation):
    network = nn.Sequential(nn.Linear(4, 8, bias=False), activation)
    with torch.no_grad():
        network[0].weight.mul_(1e-4)
    assert _vitals.activations(network, torch.randn(32, 4))["activation/1/dead"] == 0


@pytest.mark.parametrize(("activation", "function"), [(nn.GELU(), nn.functional.gelu), (nn.SiLU(), nn.functional.silu)])
def test_a_unit_is_silent_where_its_slope_is_none(activation, function):
    biases = torch.linspace(-9.0, 9.0, 181, requires_grad=True)
    (slope,) = torch.autograd.grad(function(biases).sum(), biases)
    network = nn.Sequential(nn.Linear(4, 181), activation)
    nn.init.zeros_(network[0].weight)
    with torch.no_grad():
        network[0].bias.copy_(biases)
    flat = (slope.abs() <= _vitals.FLAT) & (biases < -2)
    assert _vitals.activations(network, torch.randn(16, 4))["activation/1/dead"] == pytest.approx(
        float(flat.float().mean()), abs=1 / 181
    )


class Twice(nn.Module):
    """Calls an activation as a function, and twice."""

    def forward(self, values):
        return torch.relu(torch.relu(values) - 1)


def test_functions_without_a_module_are_seen_and_numbered():
    found = _vitals.activations(Twice(), torch.ones(3, 5))
    assert found["activation/network/mean"] == 1
    assert found["activation/network:2/dead"] == 1


def test_looking_leaves_no_hooks():
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    before = network(torch.ones(1, 4))
    _vitals.activations(network, torch.ones(1, 4))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert torch.equal(network(torch.ones(1, 4)), before)


def test_flop_are_multiplications_and_additions():
    assert _vitals.flop(nn.Linear(4, 3, bias=False), torch.ones(10, 4)) == 2 * 10 * 4 * 3


def test_the_scatter_of_losses_is_their_standard_deviation_whatever_their_course():
    draw = torch.Generator().manual_seed(0)
    steady = torch.randn(4000, generator=draw) * 0.3
    falling = steady + torch.linspace(50, 0, 4000)
    assert _vitals.noise(list(steady)) == pytest.approx(0.3, rel=0.05)
    assert _vitals.noise(list(falling)) == pytest.approx(0.3, rel=0.05)
    assert _vitals.noise([torch.tensor(1.0)]) is None
    assert math.isnan(_vitals.noise([torch.tensor(math.nan)] * 3))


def test_memory_is_told_in_bytes_where_the_system_tells():
    found = _vitals.resident_bytes()
    assert found is None or found > 50e6


def test_a_table_of_vectors_is_told_apart_from_layers_that_every_item_goes_through():
    network = nn.Sequential(nn.Embedding(20, 3), nn.Flatten(), nn.Linear(6, 2))
    pulse = _vitals.Pulse(network)
    pulse.before(1.0)
    network(torch.tensor([[1, 2], [3, 4]])).square().sum().backward()
    found = pulse.after(1.0)
    assert found["table/0/grad_norm"] == pytest.approx(float(network[0].weight.grad.norm()))
    assert [name for name in found if name.startswith("layer/")] == [
        "layer/2/grad_norm",
        "layer/2/weight_norm",
        "layer/2/update_ratio",
    ]


def test_the_first_update_is_summed_up_by_its_middle_layer():
    pulse = {"gradient/norm": 7.0}
    for name, gradient, weight in (("a", 1.0, 2.0), ("b", 6.0, 2.0), ("c", 90.0, 3.0), ("zero", 1.0, 0.0)):
        pulse |= {f"layer/{name}/grad_norm": gradient, f"layer/{name}/weight_norm": weight}
        pulse |= {f"layer/{name}/update_ratio": gradient / 100} if weight else {}
    told = _vitals.first_told(pulse, 1.5)
    expected = {"first/loss": 1.5, "first/gradient_norm": 7.0, "first/gradient_ratio": 3.0, "first/update_ratio": 0.06}
    assert told == pytest.approx(expected)
    assert _vitals.first_told({}, 1.5) == {"first/loss": 1.5}
