"""A network may learn from the moving average of its own weights, beside the labels."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from penjing.batch import Batch
from penjing.core.errors import UsageError
from penjing.core.randomness import key
from penjing.core.recipe import Recipe, Training
from penjing.tasks.classify import Settings
from penjing.tasks.classify.head import disagreement
from penjing.training._step import TEACHER_LEARNS, Supervised, seed_draws


class Network(nn.Module):
    """Normalised numbers, some of them silenced, and three logits."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.norm, self.dropout, self.linear = nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 3)

    def forward(self, batch):
        return self.linear(self.dropout(self.norm(batch.inputs["x"])))


def batch(seed=0):
    draw = torch.Generator().manual_seed(seed)
    return Batch({"x": torch.randn(8, 4, generator=draw)}, {"y": torch.arange(8) % 3}, torch.arange(8))


def loss(outputs, given):
    return functional.cross_entropy(outputs, given.targets["y"])


def step_of(teacher):
    network = Network()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    apart = lambda outputs, taught: disagreement(outputs, taught, Settings(), {})  # noqa: E731
    return Supervised(network, loss, optimiser, seed=1, ema=0.9, teacher=teacher, disagreement=apart)


def test_to_disagree_with_a_teacher_is_the_divergence_of_kullback_and_leibler():
    draw = torch.Generator().manual_seed(3)
    logits, teacher = torch.randn(5, 3, generator=draw), torch.randn(5, 3, generator=draw)
    by_torch = functional.kl_div(logits.log_softmax(1), teacher.log_softmax(1), log_target=True, reduction="batchmean")
    assert float(disagreement(logits, teacher, Settings(), {})) == pytest.approx(float(by_torch), rel=1e-5)


def test_the_teacher_is_what_would_be_evaluated_and_leaves_the_network_as_it_was():
    step = step_of(0.5)
    for number in range(3):
        step.update(batch(number), number, 1.0)
    before = {name: value.clone() for name, value in step.network.state_dict().items()}
    taught = step._taught(batch(9))
    assert step.network.training
    assert all(torch.equal(value, before[name]) for name, value in step.network.state_dict().items())
    with step.evaluating() as network, torch.no_grad():
        assert torch.equal(network(batch(9)), taught)


def test_the_teacher_gets_its_share_as_it_learns():
    """At first none of it; after so many updates half, and what is lost is then made of both."""
    first = [float(step_of(teacher).update(batch(), 0, 1.0)) for teacher in (0.0, 0.8)]
    assert first[0] == first[1]
    plain, taught = step_of(0.0), step_of(0.8)
    found = [float(step.update(batch(), TEACHER_LEARNS, 1.0)) for step in (plain, taught)]
    fresh = step_of(0.8)
    said = fresh._taught(batch())
    apart = float(disagreement(_outputs_of(fresh), said, Settings(), {}))
    assert found[1] == pytest.approx(0.6 * found[0] + 0.4 * apart, rel=1e-5)


def _outputs_of(step):
    """What the network says in an update, with the draws of that update."""
    seed_draws(key(step.seed, "dropout", TEACHER_LEARNS), step.device)
    with torch.no_grad():
        return step.network(batch())


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (Training(teacher=0.5), "training.teacher needs a moving average of the weights: training.ema must be above 0"),
        (Training(teacher=1.0, ema=0.9), "training.teacher = 1.0 must be below 1"),
        (Training(teacher=-0.1, ema=0.9), "training.teacher = -0.1 must be 0 or more"),
    ],
)
def test_a_share_that_cannot_be_is_refused(training, message):
    with pytest.raises(UsageError, match=message):
        Recipe(training=training).filled()
