"""What every export promises: the file answers as the network does, for every network and any batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penjing.core import plugins
from penjing.core.recipe import Choice, Recipe
from penjing.exports._measure import measure, parity
from penjing.exports._subject import Model, Subject
from penjing.tasks.classify.head import Answer
from penjing.training._loader import Items
from penjing.training.engine import Problem, assemble

EXPORTS, MODELS = plugins.names("exports"), plugins.names("models")
CLASSES = ("猫", "dog", "bird")
SIDE = 28


def subject(model: str, channels: int = 1, side: int = SIDE) -> Subject:
    """An untrained network whose running statistics have seen something."""
    learned = {"mean": [0.4] * channels, "std": [0.25] * channels}
    nothing = np.arange(0)
    problem = Problem(
        Items({}), {"image": "image"}, {"image": learned}, {"image": (channels, side, side)}, "label", CLASSES,
        nothing, nothing,
    )  # fmt: skip
    network = assemble(Recipe(model=Choice(model), seed=3).filled(), problem)
    network.train()
    batch = Items({"image": _Pictures(pictures(16, channels, side))}).batch(np.arange(16))
    for _ in range(5):
        network(batch)
    return Subject(
        network.eval(),
        {"image": ((side, side, channels), "uint8")},
        CLASSES,
        Answer({"temperature": 0.7}),
        {"decode": {"side": side}},
    )


class _Pictures:
    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def take(self, index: np.ndarray) -> np.ndarray:
        return self.values[index]


def pictures(count: int, channels: int = 1, side: int = SIDE) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, channels), dtype=np.uint8)


@pytest.fixture(scope="module", params=[(export, model) for export in EXPORTS for model in MODELS], ids="-".join)
def exported(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Subject, Path, Model]:
    name, model = request.param
    pytest.importorskip("onnxruntime")
    export, whole = plugins.load("exports", name), subject(model)
    path = export.export(whole, tmp_path_factory.mktemp("导出") / f"{model}{export.SUFFIX}")
    return whole, path, export.open_model(path)


def test_all_exports_are_found() -> None:
    assert EXPORTS == ["onnx"]


def test_the_file_answers_as_the_network_does(exported: tuple[Subject, Path, Model]) -> None:
    whole, _, model = exported
    found = parity(whole, model, pictures(300))
    assert found.difference <= 1e-5
    assert found.agreement == 1.0
    assert found.n == 300


@pytest.mark.parametrize("count", [1, 7])
def test_any_batch_is_answered_with_probabilities(exported: tuple[Subject, Path, Model], count: int) -> None:
    whole, _, model = exported
    found = model.probabilities(pictures(count))
    assert found.shape == (count, len(CLASSES))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert parity(whole, model, pictures(count)).difference <= 1e-5


def test_the_file_says_its_classes_and_its_facts(exported: tuple[Subject, Path, Model]) -> None:
    _, _, model = exported
    assert model.facts["classes"] == list(CLASSES)
    assert model.facts["decode"] == {"side": SIDE}
    assert model.facts["temperature"] == 0.7


def test_its_cost_is_measured(exported: tuple[Subject, Path, Model]) -> None:
    _, path, model = exported
    cost = measure(path, model, pictures(1)[0], calls=5)
    assert cost.size_bytes == path.stat().st_size
    assert cost.latency_ms > 0
    assert cost.calls == 5
