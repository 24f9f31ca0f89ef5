"""What every export promises: the file answers as the network does, for every network and any batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from penjing.core import plugins
from penjing.core.recipe import Choice, Recipe, Wide
from penjing.exports._measure import measure, parity
from penjing.exports._subject import Model, Subject
from penjing.tasks.classify.head import Answer
from penjing.training._loader import Items
from penjing.training.engine import Problem, assemble

EXPORTS = plugins.names("exports")
# A person's own network takes whatever it takes; tests/workflows has it.
MODELS = [name for name in plugins.names("models") if plugins.load("models", name).TAKES]
CLASSES = ("猫", "dog", "bird")
SIDE = 28


# What each kind of network is fed here: modality, preprocessing as if learned, and the shape at the encoder.
INPUTS: dict[str, tuple[str, dict[str, Any], tuple[int, ...]]] = {
    "maps": ("image", {"mean": [0.4], "std": [0.25]}, (1, SIDE, SIDE)),
    "tokens": ("text", {"vocabulary": 40, "length": 12, "words": {"buckets": 64}}, (12, 40)),
    "vector": ("embedding", {"mean": [0.1] * 6, "std": [2.0] * 6}, (6,)),
    "frames": ("video", {"mean": [0.4], "std": [0.25]}, (4, 1, 16, 16)),
}


def kind_of(model: str) -> str:
    return next(kind for kind in INPUTS if kind in plugins.load("models", model).TAKES)


def items(model: str, count: int) -> np.ndarray:
    """Decoded or encoded items that the network takes, as they lie in the cache."""
    draw, kind = np.random.default_rng(0), kind_of(model)
    if kind == "tokens":
        return draw.integers(0, 40, (count, 12 + 5)).astype(np.uint16)  # pieces, and words for the wide part
    if kind == "vector":
        return draw.normal(size=(count, 6)).astype(np.float32)
    shape = (SIDE, SIDE, 1) if kind == "maps" else (4, 16, 16, 1)
    return draw.integers(0, 256, (count, *shape), dtype=np.uint8)


def subject(model: str) -> Subject:
    """An untrained network whose running statistics have seen something."""
    modality, learned, shape = INPUTS[kind_of(model)]
    nothing = np.arange(0)
    problem = Problem(
        Items({}), {"it": modality}, {"it": learned}, {"it": shape}, "label", CLASSES, nothing, nothing
    )  # fmt: skip
    network = assemble(Recipe(model=Choice(model), seed=3, wide=Wide(longest=2)).filled(), problem)
    for table in network.wide.values():
        table.held.zero_()  # each place knows the word of its own number
        table.rarity.fill_(1.5)
        table.weight.normal_(generator=torch.Generator().manual_seed(5))
    network.train()
    given = items(model, 16)
    batch = Items({"it": _Values(given)}).batch(np.arange(16))
    for _ in range(5):
        network(batch)
    return Subject(
        network.eval(),
        {"it": (given.shape[1:], str(given.dtype))},
        CLASSES,
        Answer({"temperature": 0.7}),
        {"decode": {"side": SIDE}},
    )


class _Values:
    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def take(self, index: np.ndarray) -> np.ndarray:
        return self.values[index]


@pytest.fixture(scope="module", params=[(export, model) for export in EXPORTS for model in MODELS], ids="-".join)
def exported(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Subject, Path, Model]:
    name, model = request.param
    pytest.importorskip("onnxruntime")
    export, whole = plugins.load("exports", name), subject(model)
    path = export.export(whole, tmp_path_factory.mktemp("导出") / f"{model}{export.SUFFIX}")
    return model, whole, path, export.open_model(path)


def test_all_exports_are_found() -> None:
    assert EXPORTS == ["onnx"]


def test_the_file_answers_as_the_network_does(exported: tuple[str, Subject, Path, Model]) -> None:
    name, whole, _, model = exported
    found = parity(whole, model, items(name, 300))
    assert found.difference <= 1e-5
    assert found.agreement == 1.0
    assert found.n == 300


@pytest.mark.parametrize("count", [1, 7])
def test_any_batch_is_answered_with_probabilities(exported: tuple[str, Subject, Path, Model], count: int) -> None:
    name, whole, _, model = exported
    found = model.probabilities(items(name, count))
    assert found.shape == (count, len(CLASSES))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert parity(whole, model, items(name, count)).difference <= 1e-5


def test_the_file_says_its_classes_and_its_facts(exported: tuple[str, Subject, Path, Model]) -> None:
    *_, model = exported
    assert model.facts["classes"] == list(CLASSES)
    assert model.facts["decode"] == {"side": SIDE}


def test_its_cost_is_measured(exported: tuple[str, Subject, Path, Model]) -> None:
    name, _, path, model = exported
    cost = measure(path, model, items(name, 1)[0], calls=5)
    assert cost.size_bytes == path.stat().st_size
    assert cost.latency_ms > 0
    assert cost.calls == 5
