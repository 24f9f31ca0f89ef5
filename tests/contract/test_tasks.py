"""What every task in `tasks/` must do, run over all of them."""

from __future__ import annotations

import dataclasses
import importlib
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from penjing.batch import Batch
from penjing.core import plugins

NAMES = plugins.names("tasks")


def test_all_tasks_are_found() -> None:
    assert NAMES == ["classify"]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def task(name: str) -> ModuleType:
    found = plugins.load("tasks", name)
    assert isinstance(found, ModuleType)
    return found


@pytest.fixture
def head(name: str) -> ModuleType:
    return importlib.import_module(f"{plugins.find('tasks', name).module}.head")


def test_it_says_what_it_does_in_a_line(name: str) -> None:
    assert 10 < len(plugins.find("tasks", name).summary) < 100


def test_its_settings_are_read_without_importing_it(name: str, task: ModuleType) -> None:
    assert plugins.find("tasks", name).defaults == dataclasses.asdict(task.Settings())


def test_its_first_half_imports_no_torch(name: str) -> None:
    code = f"import sys, {plugins.find('tasks', name).module}; print({{'torch', 'sklearn'}} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "set()"


def test_perfect_predictions_score_perfectly_and_wrong_ones_do_not(task: ModuleType) -> None:
    truth = np.arange(60) % 3
    perfect, wrong = np.eye(3)[truth], np.eye(3)[(truth + 1) % 3]
    for name in task.METRICS:
        metric = task.metric(name)
        best = metric.bounds[1] if metric.is_higher_better else metric.bounds[0]
        assert metric(truth, perfect) == pytest.approx(best)
        assert task.is_better(metric, metric(truth, perfect), metric(truth, wrong))
        assert task.score(name, truth, perfect, part="valid").value == pytest.approx(best)


def test_its_default_settings_are_accepted(task: ModuleType) -> None:
    task.check_settings(task.Settings(), ["a", "b", "c"])


def test_every_loss_teaches_a_head_to_beat_the_majority(task: ModuleType, head: ModuleType) -> None:
    torch.manual_seed(0)
    target = torch.arange(150) % 3
    features = torch.nn.functional.one_hot(target, 5).float() + 0.3 * torch.randn(150, 5)
    for loss in task.LOSSES:
        settings = task.Settings(loss=loss)
        network = head.Head(5, 3)
        optimiser = torch.optim.Adam(network.parameters(), lr=0.1)
        for _ in range(60):
            optimiser.zero_grad()
            value = head.loss(
                network(features), Batch({}, {"y": target}, torch.arange(150)), settings, {"counts": [50, 50, 50]}
            )
            value.backward()
            optimiser.step()
        assert all(parameter.grad is not None for parameter in network.parameters())
        probability = task.softmax(network(features).detach().numpy())
        assert task.metric("accuracy")(target.numpy(), probability) > 0.9, loss


def test_item_losses_average_to_the_loss(task: ModuleType, head: ModuleType) -> None:
    logits, target = torch.randn(8, 4, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 4
    for loss in task.LOSSES:
        settings = task.Settings(loss=loss)
        whole = head.loss(logits, Batch({}, {"y": target}, torch.arange(8)), settings, {"counts": [2, 2, 2, 2]})
        assert head.item_losses(logits, target, settings).mean().item() == pytest.approx(whole.item(), rel=1e-6)
