"""Each optimiser against its formula written out by hand, or against torch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from penjing.batch import Batch
from penjing.core import plugins
from penjing.training._step import Supervised
from penjing.training.optimisers import adamw, gradient_descent, lbfgs, muon, schedule_free


def quadratic() -> nn.Linear:
    """Weights 1 to 6 and biases 1, 2; with `take_steps` the gradient of each weight is the weight times 2."""
    network = nn.Linear(3, 2)
    with torch.no_grad():
        network.weight.copy_(torch.arange(1.0, 7.0).view(2, 3))
        network.bias.copy_(torch.tensor([1.0, 2.0]))
    return network


def take_steps(network: nn.Module, optimiser: torch.optim.Optimizer, count: int) -> None:
    for _ in range(count):
        optimiser.zero_grad()
        torch.stack([weight.square().sum() for weight in network.parameters()]).sum().backward()
        optimiser.step()


def stepped(name: str, count: int = 2, **settings: float) -> Tensor:
    """The weights after some steps of an optimiser."""
    module, network = plugins.load("optimisers", name), quadratic()
    take_steps(network, module.build(network, module.Settings(**settings)), count)
    return network.weight.detach()


START = torch.arange(1.0, 7.0).view(2, 3)


def test_gradient_descent_follows_its_formula() -> None:
    # θ − α∇J with ∇J = 2θ, twice
    torch.testing.assert_close(stepped("gradient_descent", rate=0.1), START * 0.8 * 0.8)


def test_gradient_descent_asks_for_the_whole_training_part() -> None:
    assert gradient_descent.WHOLE_BATCH


def test_sgd_follows_its_formula() -> None:
    # decay adds λθ to the gradient
    torch.testing.assert_close(stepped("sgd", rate=0.1, weight_decay=0.5), START * 0.75 * 0.75)


def test_momentum_follows_its_formula() -> None:
    # v = 0.9 v + g, θ = θ − 0.1 v: first 1 → 0.8, then v = 1.8 + 1.6
    expected = START * (0.8 - 0.1 * (0.9 * 2 + 2 * 0.8))
    torch.testing.assert_close(stepped("momentum", rate=0.1, nesterov=False, weight_decay=0.0), expected)


def test_nesterov_momentum_looks_ahead() -> None:
    # the step is g + 0.9 v: first 2 + 1.8
    expected = START * (1 - 0.1 * (2 + 0.9 * 2))
    torch.testing.assert_close(stepped("momentum", count=1, rate=0.1, nesterov=True, weight_decay=0.0), expected)


def test_momentum_of_zero_is_sgd() -> None:
    found = stepped("momentum", rate=0.1, momentum=0.0, weight_decay=0.1)
    torch.testing.assert_close(found, stepped("sgd", rate=0.1, weight_decay=0.1))


def test_adagrad_follows_its_formula() -> None:
    # G = Σ g², θ = θ − α g / √G
    first = START - 0.1
    second = first - 0.1 * (2 * first) / ((2 * START) ** 2 + (2 * first) ** 2).sqrt()
    torch.testing.assert_close(stepped("adagrad", rate=0.1), second)


def test_rmsprop_follows_its_formula() -> None:
    # s = 0.9 s + 0.1 g², θ = θ − α g / √s
    gradient = 2 * START
    first = START - 0.1 * gradient / (0.1 * gradient**2).sqrt()
    square = 0.9 * 0.1 * gradient**2 + 0.1 * (2 * first) ** 2
    second = first - 0.1 * 2 * first / square.sqrt()
    torch.testing.assert_close(stepped("rmsprop", rate=0.1, memory=0.9), second)


def adam_by_hand(rate: float, decay: float) -> Tensor:
    """Two steps of Adam with decoupled decay, betas 0.9 and 0.99."""
    weight, mean, square = START.clone(), torch.zeros(2, 3), torch.zeros(2, 3)
    for step in (1, 2):
        gradient = 2 * weight
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        weight = weight * (1 - rate * decay)
        weight = weight - rate * (mean / (1 - 0.9**step)) / ((square / (1 - 0.99**step)).sqrt() + 1e-8)
    return weight


def test_adam_follows_its_formula() -> None:
    torch.testing.assert_close(stepped("adam", rate=0.1, beta2=0.99), adam_by_hand(0.1, decay=0.0))


def test_adamw_follows_its_formula() -> None:
    torch.testing.assert_close(stepped("adamw", rate=0.1, weight_decay=0.3), adam_by_hand(0.1, decay=0.3))


@pytest.mark.parametrize("name", ["adamw", "muon", "schedule_free", "momentum", "sgd", "adam"])
def test_biases_and_scales_are_not_decayed(name: str) -> None:
    module = plugins.load("optimisers", name)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 4), nn.Linear(4, 2))
    optimiser = module.build(network, module.Settings(rate=0.1, weight_decay=0.5))
    before = {key: value.clone() for key, value in network.named_parameters()}
    for weight in network.parameters():
        weight.grad = torch.zeros_like(weight)
    optimiser.step()
    for key, weight in network.named_parameters():
        # adam's decay passes through its normalisation, so only whether weights moved can be asked of all
        assert torch.equal(weight, before[key]) is (weight.ndim == 1), key


def test_frozen_weights_are_left_alone() -> None:
    for name in plugins.names("optimisers"):
        module, network = plugins.load("optimisers", name), quadratic()
        network.bias.requires_grad = False
        optimiser = module.build(network, module.Settings())
        assert sum(len(group["params"]) for group in optimiser.param_groups) == 1, name


def test_lbfgs_finds_the_weights_that_scikit_learn_finds() -> None:
    from sklearn.linear_model import LogisticRegression

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(60, 5, generator=generator)
    y = (x[:, 0] + torch.randn(60, generator=generator) > 0).long() + (x[:, 1] > 1).long()
    strength = 2.0
    network = nn.Linear(5, 3)
    optimiser = lbfgs.build(network, lbfgs.Settings(weight_decay=1 / (strength * 60), iterations=100))
    step = Supervised(network, lambda outputs, _: nn.functional.cross_entropy(outputs, y), optimiser, seed=0)
    step.network.forward = lambda _: nn.functional.linear(x, network.weight, network.bias)  # type: ignore[method-assign]
    first, second = (step.update(Batch({}, {}, torch.arange(60)), number, 1.0) for number in range(2))
    assert second < first  # each tells the loss before it, without the penalty
    assert not step.tensors().keys() - {"network/weight", "network/bias"}
    theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=1000).fit(x.numpy(), y.numpy())
    torch.testing.assert_close(network.weight.detach(), torch.from_numpy(theirs.coef_).float(), atol=2e-3, rtol=2e-3)


def test_lbfgs_goes_the_same_way_whether_or_not_convolutions_are_laid_out_channels_last() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(40, 3, 8, 8, generator=generator), torch.arange(40) % 2
    x[y == 1] += torch.linspace(-1, 1, 8)
    told = {}
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(64, 2))
        network = network.to(memory_format=layout)  # type: ignore[call-overload]
        optimiser = lbfgs.build(network, lbfgs.Settings(weight_decay=0.01, iterations=5))

        def measured(network: nn.Module = network, optimiser: torch.optim.Optimizer = optimiser) -> Tensor:
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(network(x), y)
            loss.backward()
            return loss

        told[layout] = [float(optimiser.step(measured)) for _ in range(3)]
    first, second = told.values()
    assert second[0] > second[1] > second[2]
    assert second == pytest.approx(first, rel=1e-3)


def test_muon_makes_matrices_orthogonal() -> None:
    matrix = torch.randn(8, 40, generator=torch.Generator().manual_seed(0))
    found = torch.linalg.svdvals(muon.orthogonal(matrix))
    # the published coefficients bring singular values near 1, not to 1
    assert found.min() > 0.6
    assert found.max() < 1.3


def test_muon_keeps_the_directions_of_a_matrix() -> None:
    left, _, right = torch.linalg.svd(torch.randn(6, 6, generator=torch.Generator().manual_seed(1)))
    matrix = left @ torch.diag(torch.linspace(1, 2, 6)) @ right
    found = left.T @ muon.orthogonal(matrix) @ right.T
    assert (found - torch.diag(found.diagonal())).abs().max() < 1e-4


def test_muon_moves_hidden_matrices_as_torch_does() -> None:
    networks = [nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 16), nn.Linear(16, 3)) for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    hidden = [network[1].weight for network in networks]
    ours = muon.build(networks[0], muon.Settings(rate=0.02, weight_decay=0.1))
    theirs = torch.optim.Muon([hidden[1]], lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for seed in range(3):
        gradient = torch.randn(16, 8, generator=torch.Generator().manual_seed(seed))
        for weight, optimiser in zip(hidden, (ours, theirs), strict=True):
            weight.grad = gradient.clone()
            optimiser.step()
    # torch iterates in bfloat16, a single step being 0.016 at most
    torch.testing.assert_close(hidden[0], hidden[1], atol=5e-4, rtol=0)


def test_muon_moves_all_other_weights_as_adamw_does() -> None:
    networks = [nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3)) for _ in range(2)]  # nothing hidden
    networks[1].load_state_dict(networks[0].state_dict())
    take_steps(networks[0], muon.build(networks[0], muon.Settings(rate=0.01, weight_decay=0.1)), 3)
    take_steps(networks[1], adamw.build(networks[1], adamw.Settings(rate=0.01, weight_decay=0.1)), 3)
    for ours, theirs in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_muon_leaves_what_reads_an_input_to_adamw_in_every_encoder() -> None:
    network = nn.Module()
    layers = [nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 8)), nn.Sequential(nn.Embedding(9, 8), nn.Linear(8, 8))]
    network.encoder = nn.ModuleDict({"picture": layers[0], "text": layers[1]})
    network.head = nn.Linear(16, 3)
    optimiser = muon.build(network, muon.Settings())
    hidden = [weight for group in optimiser.param_groups if group["orthogonal"] for weight in group["params"]]
    assert {id(weight) for weight in hidden} == {id(layers[0][1].weight), id(layers[1][1].weight)}


def test_muon_takes_convolutions_in_any_memory_layout() -> None:
    found = []
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 4, 3)).to(memory_format=layout)
        take_steps(network, muon.build(network, muon.Settings(rate=0.1)), 2)
        found.append(network[1].weight.detach())
    torch.testing.assert_close(*found)


def test_schedule_free_predicts_with_the_mean_of_its_path() -> None:
    network = quadratic()
    settings = schedule_free.Settings(rate=0.1, warm_up=0, weight_decay=0.0)
    optimiser = schedule_free.build(network, settings)
    assert isinstance(optimiser, schedule_free.ScheduleFree)
    path = []
    for _ in range(5):
        take_steps(network, optimiser, 1)
        path.append(optimiser.state[network.weight]["path"].clone())
    average = optimiser.average_of(network.weight)
    torch.testing.assert_close(average, torch.stack(path).mean(0))
    torch.testing.assert_close(network.weight, 0.1 * path[-1] + 0.9 * average)


def test_schedule_free_takes_the_first_step_of_adamw() -> None:
    found = quadratic()
    optimiser = schedule_free.build(found, schedule_free.Settings(rate=0.1, warm_up=0, weight_decay=0.2))
    take_steps(found, optimiser, 1)
    expected = stepped("adamw", count=1, rate=0.1, weight_decay=0.2)
    torch.testing.assert_close(found.weight.detach(), expected)


def test_schedule_free_predicts_with_the_weights_before_the_first_step() -> None:
    network = quadratic()
    optimiser = schedule_free.build(network, schedule_free.Settings())
    assert torch.equal(optimiser.average_of(network.weight), network.weight)


@pytest.mark.parametrize("rank", [1, 3, 64])
def test_muon_iterates_as_published(rank: int) -> None:
    """The published form multiplies the matrix itself; ours gathers the factors first."""
    generator = torch.Generator().manual_seed(rank)
    matrix = torch.randn(64, rank, generator=generator) @ torch.randn(rank, 576, generator=generator)
    published = matrix.double() / matrix.double().norm()
    for _ in range(5):
        square = published @ published.T
        published = 3.4445 * published + (-4.7750 * square + 2.0315 * square @ square) @ published
    torch.testing.assert_close(muon.orthogonal(matrix), published.float(), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("rows", "is_halved"), [(64, False), (128, True)])
def test_muon_halves_the_products_of_large_matrices_where_the_training_is_in_bfloat16(
    rows: int, is_halved: bool
) -> None:
    matrix = torch.randn(rows, 300, generator=torch.Generator().manual_seed(0))
    whole, halved = muon.orthogonal(matrix), muon.orthogonal(matrix, "bfloat16")
    assert halved.dtype == torch.float32
    assert torch.equal(whole, halved) is not is_halved
    assert (whole - halved).norm() < 0.03 * whole.norm()


@pytest.mark.parametrize("number_format", ["float32", "bfloat16"])
def test_muon_is_told_in_which_format_a_network_is_trained(number_format: str) -> None:
    network = torch.nn.Sequential(*(torch.nn.Linear(6, 6) for _ in range(3)))
    optimiser = muon.build(network, muon.Settings())
    Supervised(network, lambda outputs, batch: outputs.sum(), optimiser, seed=0, number_format=number_format)
    assert isinstance(optimiser, muon.Muon)
    assert optimiser.number_format == number_format


def test_muon_goes_on_as_if_it_had_never_stopped() -> None:
    found = []
    for stops in (False, True):
        network = quadratic()
        optimiser = muon.build(network, muon.Settings(rate=0.1))
        take_steps(network, optimiser, 2)
        if stops:
            known, optimiser = optimiser.state_dict(), muon.build(network, muon.Settings(rate=0.1))
            optimiser.load_state_dict(known)
        take_steps(network, optimiser, 2)
        found.append(network.weight.detach())
    assert torch.equal(*found)


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_the_loop_measures_and_keeps_what_schedule_free_predicts_with(ema: float) -> None:
    network = quadratic()
    optimiser = schedule_free.build(network, schedule_free.Settings(rate=0.1, warm_up=0))
    step = Supervised(network, lambda outputs, batch: outputs.sum(), optimiser, seed=0, ema=ema)
    take_steps(network, optimiser, 4)
    learning = network.weight.detach().clone()
    average = optimiser.average_of(network.weight).clone()
    assert not torch.equal(learning, average)
    assert torch.equal(step.weights()["weight"], average)
    with step.evaluating() as measured:
        assert torch.equal(measured.weight, average)
    assert torch.equal(network.weight, learning)


def test_muon_with_normalise_keeps_a_matrix_norm_and_turns_it_by_an_orthogonal_step() -> None:
    """By hand: the norm of an orthogonal matrix of the shape, less rate times the orthogonal gradient."""
    network = torch.nn.Sequential(*(torch.nn.Linear(6, 6, bias=False) for _ in range(3)))
    optimiser = muon.build(network, muon.Settings(rate=0.1, normalise=True, momentum=0.6))
    weight = network[1].weight
    before = weight.detach().clone()
    gradient = torch.randn(6, 6, generator=torch.Generator().manual_seed(1))
    for layer in network:
        layer.weight.grad = gradient.clone()
    optimiser.step()
    expected = before * 6**0.5 / before.norm() - 0.1 * muon.orthogonal(gradient)
    assert torch.allclose(weight, expected, atol=1e-4)


def test_muon_moves_the_rest_at_a_share_of_the_rate() -> None:
    network = torch.nn.Sequential(*(torch.nn.Linear(6, 6) for _ in range(3)))
    optimiser = muon.build(network, muon.Settings(rate=0.1, rest=0.05))
    assert {(group["orthogonal"], round(group["lr"], 9)) for group in optimiser.param_groups} == {
        (True, 0.1),
        (False, 0.005),
    }


def test_muon_treats_the_first_learned_matrix_as_hidden_where_fixed_filters_stand_before_it() -> None:
    network = torch.nn.Sequential(*(torch.nn.Linear(6, 6, bias=False) for _ in range(3)))
    network[0].weight.requires_grad_(False)
    optimiser = muon.build(network, muon.Settings())
    hidden = [weight for group in optimiser.param_groups if group["orthogonal"] for weight in group["params"]]
    assert len(hidden) == 1
    assert hidden[0] is network[1].weight
