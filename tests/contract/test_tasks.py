"""What every task in `tasks/` must do, run over all of them."""

from __future__ import annotations

import dataclasses
import importlib
import json
import subprocess
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from penjing.batch import Batch
from penjing.core import plugins

NAMES = plugins.names("tasks")
ITEMS = 150


@dataclass(frozen=True)
class Sample:
    """A small target of a modality: its cells, and features that tell it."""

    cells: pl.Series
    features: torch.Tensor


def sample(modality: str) -> Sample:
    """150 items, the last of them unknown."""
    kind = np.arange(ITEMS) % 3
    noise = np.random.default_rng(0).normal(0, 0.15, (ITEMS, 5))
    features = torch.from_numpy((np.eye(5)[kind] + noise).astype(np.float32))
    cells: list[Any] = {
        "category": [["cat", "dog", "eel"][one] for one in kind],
        "number": [[10.0, 20.0, 45.0][one] for one in kind],
        "labels": [["sweet", "sweet;red", ""][one] for one in kind],
    }[modality]
    return Sample(pl.Series("答案", [*cells[:-1], None]), features)


def test_all_tasks_are_found() -> None:
    assert NAMES == ["classify", "regress", "tag"]


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
    assert 10 < len(plugins.find("tasks", name).summary) < 110


def test_its_settings_are_read_without_importing_it(name: str, task: ModuleType) -> None:
    assert plugins.find("tasks", name).defaults == dataclasses.asdict(task.Settings())


def test_its_first_half_imports_no_torch(name: str) -> None:
    code = f"import sys, {plugins.find('tasks', name).module}; print({{'torch', 'sklearn'}} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "set()"


def test_two_tasks_are_never_taken_for_the_same_target() -> None:
    modalities = [plugins.load("tasks", name).MODALITY for name in NAMES]
    assert len(set(modalities)) == len(modalities)


def test_it_reads_its_target_and_knows_what_is_unknown(task: ModuleType) -> None:
    given = sample(task.MODALITY)
    names, truth = task.encode(given.cells)
    known = task.is_known(truth)
    assert known.tolist() == [True] * (ITEMS - 1) + [False]
    assert task.told(truth, names)[-1] is None
    assert np.array_equal(task.encode(given.cells[:7], names)[1], truth[:7])
    strata = task.stratify(truth)
    assert strata.dtype == np.int64
    assert strata[-1] == -1
    assert set(strata[:-1].tolist()) == {0, 1, 2}
    task.check_settings(task.Settings(), names)


def test_what_is_learned_and_calibrated_is_json(task: ModuleType, head: ModuleType) -> None:
    given = sample(task.MODALITY)
    names, truth = task.encode(given.cells)
    known = task.is_known(truth)
    learned = task.learn(truth[known], names)
    outputs = head.Head(5, len(names), learned)(given.features).detach().numpy()
    calibrated = task.calibrate(outputs[known], truth[known])
    for found in (learned, calibrated):
        assert json.loads(json.dumps(found, allow_nan=False)) == found
    answer = task.answer(outputs, calibrated)
    assert answer.shape == (ITEMS, len(names))
    assert answer.dtype == np.float32
    exported = head.Answer(calibrated)(torch.from_numpy(outputs)).numpy()
    np.testing.assert_allclose(exported, answer, rtol=1e-5, atol=1e-6)


def test_a_network_agrees_with_a_teacher_that_says_the_same_and_learns_from_one_that_does_not(
    task: ModuleType, head: ModuleType
) -> None:
    given = sample(task.MODALITY)
    names, truth = task.encode(given.cells)
    learned = task.learn(truth[task.is_known(truth)], names)
    outputs, teacher = (head.Head(5, len(names), learned)(given.features).detach() for _ in range(2))
    outputs.requires_grad_()

    def disagreement(one: torch.Tensor) -> torch.Tensor:
        found = head.disagreement(one, teacher, task.Settings(), learned)
        assert isinstance(found, torch.Tensor)
        return found

    assert float(disagreement(teacher)) == pytest.approx(0.0, abs=1e-6)
    before = disagreement(outputs)
    (gradient,) = torch.autograd.grad(before, outputs)
    after = disagreement((outputs - 0.1 * gradient).detach())
    assert 0 < float(after) < float(before.detach())


def test_perfect_answers_score_perfectly_and_others_do_not(task: ModuleType) -> None:
    names, truth = task.encode(sample(task.MODALITY).cells)
    truth = truth[:-1]
    perfect = _perfect(truth, len(names))
    wrong = np.roll(perfect, 1, axis=0)
    assert set(task.REPORTED) <= set(task.METRICS)
    for name in task.METRICS:
        metric = task.metric(name)
        best = metric.bounds[1] if metric.is_higher_better else metric.bounds[0]
        assert metric(truth, perfect) == pytest.approx(best)
        gain = 1.0 if metric.is_higher_better else -1.0
        assert gain * metric(truth, perfect) > gain * metric(truth, wrong)
        assert task.score(name, truth, perfect, part="valid").value == pytest.approx(best)
    losses = task.item_losses(truth, wrong), task.item_losses(truth, perfect)
    assert losses[0].shape == (ITEMS - 1,)
    assert (losses[0] > losses[1]).all()
    assert task.taken(perfect, names) == task.told(truth, names)


def _perfect(truth: np.ndarray, outputs: int) -> np.ndarray:
    """The answer that is the truth."""
    if truth.ndim == 2:
        return truth.astype(np.float32)
    return truth[:, None] if truth.dtype.kind == "f" else np.eye(outputs, dtype=np.float32)[truth]


def test_every_loss_teaches_a_head(task: ModuleType, head: ModuleType) -> None:
    given = sample(task.MODALITY)
    names, truth = task.encode(given.cells)
    known = np.flatnonzero(task.is_known(truth))
    learned, features, target = task.learn(truth[known], names), given.features[known], torch.from_numpy(truth[known])
    for loss in task.LOSSES:
        torch.manual_seed(0)
        settings = task.Settings(loss=loss)
        network = head.Head(5, len(names), learned)
        optimiser = torch.optim.Adam(network.parameters(), lr=0.1)
        for _ in range(60):
            optimiser.zero_grad()
            value = head.loss(network(features), Batch({}, {"y": target}, torch.from_numpy(known)), settings, learned)
            value.backward()
            optimiser.step()
        assert all(parameter.grad is not None for parameter in network.parameters())
        answer = task.answer(network(features).detach().numpy())
        assert task.metric(settings.metric)(truth[known], answer) > 0.85, loss
