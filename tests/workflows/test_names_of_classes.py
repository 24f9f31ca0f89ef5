"""Names of classes in a run: chosen, said, kept in the weights, exported with them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

import penjing as pj
from penjing.batch import Batch
from penjing.exports import onnx
from penjing.exports._subject import Subject
from penjing.pretrained import minilm
from penjing.training._names import Named
from penjing.workflows._load import load

pytestmark = [pytest.mark.skipif(not minilm.is_available(), reason=minilm.INSTALL), pytest.mark.slow]

GOOD = ("a lovely film", "warm and funny", "I liked it a lot", "a joy to watch", "clever and moving", "great fun")
BAD = ("a dull film", "cold and tedious", "I hated every minute", "a pain to watch", "stupid and empty", "no fun")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pj.Run:
    folder = tmp_path_factory.mktemp("names")
    table = folder / "reviews.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", "split"])
        for number, ending in enumerate(("", " today", " , really")):
            part = "test" if number == 2 else "train"
            writer.writerows([text + ending, "pos", part] for text in GOOD)
            writer.writerows([text + ending, "neg", part] for text in BAD)
    recipe = folder / "recipe.toml"
    recipe.write_text(
        'model = { name = "probe", dropout = 0.0 }\n'
        'optimiser = { name = "lbfgs", weight_decay = 1.0 }\nschedule = { name = "constant" }\n'
        "[training]\nsteps = 3\nbatch_size = 0\nevaluations = 1\n[names]\nstrength = 0.5\n"
        '[pretrained]\ntext = { name = "minilm", layers = 2 }\n',
        encoding="utf-8",
    )
    return pj.fit(table, recipe=recipe, out=folder / "run", watch=None)


def test_names_of_classes_lie_in_the_weights_of_a_run(run: pj.Run):
    head = load(run).network.head
    assert isinstance(head, Named)
    assert head.meaning.square().sum(1).mean().sqrt().item() == pytest.approx(0.5, rel=1e-5)


def test_a_run_with_names_predicts_without_reading_them_again(run: pj.Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(minilm, "meaning", None)
    texts = ["a wonderful and touching film", "stupid , empty and tedious"]
    answered = pj.predict(run, {"text": texts}, watch=None)
    assert answered.frame["prediction"].to_list() == ["pos", "neg"]


def test_names_are_in_the_exported_graph(run: pj.Run, tmp_path: Path):
    loaded = load(run)
    vectors = np.random.default_rng(0).normal(0, 0.05, (3, len(loaded.network.head.meaning[0]))).astype(np.float32)
    words = np.zeros((3, loaded.network.wide["text"].longest if loaded.network.wide else 0), np.float32)
    items = np.concatenate([vectors, words], axis=1)
    batch = Batch({"text": torch.from_numpy(items)}, {}, torch.arange(3))
    subject = Subject(loaded.network, {"text": (items.shape[1:], "float32")}, ("neg", "pos"))
    with torch.no_grad():
        expected = loaded.network(batch).softmax(1).numpy()
    path = onnx.export(subject, tmp_path / "model.onnx")
    np.testing.assert_allclose(onnx.open_model(path).probabilities(items), expected, atol=1e-5)
