"""The network of tables: members that differ while training and answer together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from penjing.models import tabular
from penjing.training.optimisers import muon
from penjing.training.optimisers._groups import grouped


def network(inputs: int = 12, **settings: float) -> tabular.Tabular:
    torch.manual_seed(0)
    return tabular.build((inputs,), tabular.Settings(**{"width": 32, **settings}))  # type: ignore[arg-type]


def vectors(count: int = 5, inputs: int = 12) -> torch.Tensor:
    return torch.randn(count, inputs, generator=torch.Generator().manual_seed(1))


def test_a_prediction_is_the_mean_of_all_members() -> None:
    encoder = network(depth=1).eval()
    assert encoder.input_weights is not None
    weights = encoder.input_weights.weight.view(16, 12)
    (layer,) = encoder.layers
    expected = torch.stack([(layer(vectors() * weights[member])).relu() for member in range(16)]).mean(0)
    torch.testing.assert_close(encoder(vectors()), expected)


def test_each_training_item_is_shown_to_one_member() -> None:
    encoder = network(depth=1, dropout=0.0, members=3)
    assert encoder.input_weights is not None
    weights = encoder.input_weights.weight.view(3, 12)
    answers = torch.stack([encoder.layers[0](vectors() * weights[member]).relu() for member in range(3)])
    found = encoder(vectors())
    near = (found - answers).abs().sum(-1) < 1e-5
    assert (near.sum(0) == 1).all()
    assert near.any(1).sum() > 1  # not the same one for all


def test_gradients_of_the_weights_of_inputs_are_the_same_every_time() -> None:
    encoder = network(depth=1, dropout=0.0, inputs=400)
    weights, values = encoder.input_weights, vectors(512, 400)
    assert weights is not None
    drawn = torch.randint(16, (512,), generator=torch.Generator().manual_seed(0))
    found = []
    for _ in range(5):
        weights.weight.grad = None
        weights(values, drawn).sum().backward()
        found.append(weights.weight.grad.clone())
    assert all(torch.equal(one, found[0]) for one in found)
    by_hand = torch.stack([values[drawn == member].sum(0) for member in range(16)])
    torch.testing.assert_close(found[0].view(16, 400), by_hand)


def test_one_member_is_a_plain_perceptron() -> None:
    encoder = network(members=1, dropout=0.0)
    assert encoder.input_weights is None
    torch.testing.assert_close(encoder.train()(vectors()), encoder.eval()(vectors()))


def test_without_hidden_layers_features_are_the_inputs() -> None:
    encoder = network(depth=0).eval()
    assert encoder.features == encoder(vectors()).shape[1] == 12
    assert network(depth=2).features == 32


def test_weights_of_inputs_are_neither_decayed_nor_made_orthogonal() -> None:
    encoder = network()
    assert encoder.input_weights is not None
    decayed, kept = grouped(encoder, 0.1)
    assert not any(weight is encoder.input_weights.weight for weight in decayed["params"])
    assert any(weight is encoder.input_weights.weight for weight in kept["params"])
    orthogonal = [group for group in muon.build(encoder, muon.Settings()).param_groups if group["orthogonal"]]
    assert not any(weight is encoder.input_weights.weight for group in orthogonal for weight in group["params"])


def test_redrawn_the_weights_of_inputs_spread_around_one() -> None:
    encoder = network(inputs=500)
    assert encoder.input_weights is not None
    encoder.input_weights.weight.data.zero_()
    encoder.input_weights.reset_parameters()
    assert encoder.input_weights.weight.mean().item() == pytest.approx(1, abs=0.03)
    assert encoder.input_weights.weight.std().item() == pytest.approx(encoder.input_weights.SPREAD, abs=0.03)


@pytest.mark.slow
def test_members_predict_better_together_than_a_plain_network() -> None:
    """On noisy data, by the loss on fresh items: the mean of three seeds."""
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(1200, 30, generator=generator)
    chance = torch.sigmoid(values[:, 0] + values[:, 1] * values[:, 2])
    target = (torch.rand(1200, generator=generator) < chance).float()
    losses = {
        members: np.mean([loss_after_training(values, target, members, seed) for seed in range(3)])
        for members in (1, 16)
    }
    assert losses[16] < losses[1] - 0.01


def loss_after_training(values: torch.Tensor, target: torch.Tensor, members: int, seed: int) -> float:
    torch.manual_seed(seed)
    encoder = tabular.build((30,), tabular.Settings(width=64, members=members))
    whole = nn.Sequential(encoder, nn.Linear(64, 1), nn.Flatten(0))
    optimiser = torch.optim.AdamW(whole.parameters(), lr=3e-3)
    for _ in range(40):
        for rows in torch.randperm(600).split(64):
            optimiser.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(whole(values[rows]), target[rows]).backward()
            optimiser.step()
    whole.eval()
    with torch.no_grad():
        return float(nn.functional.binary_cross_entropy_with_logits(whole(values[600:]), target[600:]))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the exporter's own, about its own code
def test_exported_all_members_answer(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    encoder = network().eval()
    path = tmp_path / "model.onnx"
    dynamic = ({0: torch.export.Dim("batch")},)
    torch.onnx.export(encoder, (vectors(2),), path, dynamo=True, dynamic_shapes=dynamic, verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: vectors().numpy()})
    np.testing.assert_allclose(found, encoder(vectors()).detach().numpy(), atol=1e-5)
