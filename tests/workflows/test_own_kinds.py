"""A person's own module among the harder things: folds, kills, exports, odd layers, odd outputs, inputs by name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kills import killed_fit
from kinds import picture, rows, write_files
from safetensors.torch import load_file
from torch import Tensor, nn

import penjing as pj

SHORT = {"training.steps": 12, "training.evaluations": 3, "machine.threads": 1}
NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.maps, self.norm, self.last = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 3)
        self.drop = nn.Dropout(0.2)

    def forward(self, pictures):
        return self.last(self.drop(self.norm(self.maps(pictures)).relu().amax((2, 3))))
"""


class Odd(nn.Module):
    """Three numbers a picture of 8 × 8, and something odd about it."""

    def __init__(self, what: str = "") -> None:
        super().__init__()
        torch.manual_seed(0)
        self.what = what
        self.first, self.last = nn.Linear(192, 8), nn.Linear(8, 3)
        self.norm: nn.Module = nn.BatchNorm1d(8) if what == "batch norm" else nn.Identity()
        if what == "eval only":
            self.norm = nn.BatchNorm1d(8).eval().requires_grad_(False)
        if what == "tied":
            self.again = nn.Linear(192, 8)
            self.again.weight = self.first.weight
        if what == "mask":
            self.register_buffer("mask", torch.triu(torch.full((8, 8), -torch.inf), diagonal=1))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self.register_buffer("scratch", torch.ones(8), persistent=False)

    def train(self, mode: bool = True) -> Odd:
        super().train(mode)
        if self.what == "eval only":  # as people freeze layers
            self.norm.eval()
        return self

    def forward(self, pictures: Tensor) -> Any:
        if self.what == "buffers" and self.training:
            self.seen += len(pictures)
        hidden = self.norm(self.first(pictures.flatten(1))).relu() * self.scratch
        if self.what == "tied":
            hidden = hidden + self.again(pictures.flatten(1))
        if self.what == "mask":
            hidden = hidden @ self.mask.softmax(1)
        said = self.last(hidden)
        odd = {"nan": said * float("nan"), "rank": said[:, :, None], "width": torch.cat([said, said], 1)}
        odd |= {"tuple": (said, hidden), "dict": {"logits": said}, "scalar": said.sum()}
        return odd.get(self.what, said)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("own") / "pictures", picture, ".png")


def fitted(data: Any, model: object, out: Path, **wishes: Any) -> pj.Run:
    wishes = {"set": SHORT, "time": 20, **wishes}
    return pj.fit(data, model=model, out=out, watch=None, pictures=False, **wishes)


def agrees(run: pj.Run, data: Path, **model: Any) -> None:
    """Whether the reloaded run answers for validation items as it did."""
    kept = run.predictions.filter(model="network")
    found = pj.predict(run, [data / name for name in kept["name"]], watch=None, **model)
    np.testing.assert_allclose(found.probability, np.array(kept["probability"].to_list()), atol=1e-5)


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("width", r"gives \[8, 6\] for 8 items; expected \[8, 3\]: one for each of 3"),
        ("rank", r"gives \[8, 3, 1\] for 8 items; expected \[8, 3\]"),
        ("scalar", r"gives \[\] for 8 items; expected \[8, 3\]"),
        ("tuple", r"gives a tuple; expected one tensor \[batch, outputs\]"),
        ("dict", r"gives a dict; expected one tensor \[batch, outputs\]"),
        ("nan", r"gives numbers that are not finite .*for 8 of 8 items"),
    ],
)
def test_an_output_that_does_not_fit_is_said_before_training(
    what: str, sentence: str, pictures: Path, tmp_path: Path
) -> None:
    with pytest.raises(pj.UsageError, match=sentence):
        fitted(pictures, Odd(what), tmp_path / "run")


@pytest.mark.parametrize("what", ["batch norm", "eval only", "buffers", "tied", "mask"])
def test_layers_that_keep_numbers_are_trained_kept_and_loaded(what: str, pictures: Path, tmp_path: Path) -> None:
    """Also where one item is left over for the last batch, from which no spread can be learned."""
    size = {"training.batch_size": 45} if what == "batch norm" else {}
    run = fitted(pictures, Odd(what), tmp_path / "run", set={**SHORT, **size, "training.ema": 0.9})
    weights = {
        name.rpartition("module.")[2]: value for name, value in load_file(run.path / "model.safetensors").items()
    }
    if what == "batch norm":
        assert weights["norm.num_batches_tracked"] > 0
        assert weights["norm.running_mean"].abs().sum() > 0
    if what == "eval only":
        assert torch.equal(weights["norm.running_mean"], torch.zeros(8))
        assert torch.equal(weights["norm.weight"], torch.ones(8))
        assert not torch.equal(weights["first.weight"], Odd(what).first.weight)
    if what == "tied":
        assert torch.equal(weights["again.weight"], weights["first.weight"])
    if what == "mask":
        assert torch.equal(weights["mask"], Odd(what).mask)
    if what == "buffers":
        assert weights["seen"] > 0
        assert "scratch" not in weights
    agrees(run, pictures, model=Odd(what))


def test_a_module_is_scored_over_folds_and_tested_once(pictures: Path, tmp_path: Path) -> None:
    run = fitted(pictures, Odd("batch norm"), tmp_path / "run", folds=3, set={**SHORT, "training.steps": 60})
    assert run.scores[0].part == "folds"
    assert run.scores[0].value > 0.5
    network = run.predictions.filter(model="network")
    assert network["hash"].n_unique() == len(network) == 56
    assert pj.test(run, model=Odd("batch norm"), watch=None).scores[0].n == 10


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_module_in_a_file_goes_on_after_a_kill_to_the_weights_it_would_have_had(
    pictures: Path, tmp_path: Path
) -> None:
    net = tmp_path / "net.py"
    net.write_text(NET, encoding="utf-8")
    whole = fitted(pictures, f"{net}:Net", tmp_path / "whole")
    (tmp_path / "recipe.toml").write_text(whole.recipe.to_toml(), encoding="utf-8")
    killed_fit(5, "*", pictures, "--recipe", tmp_path / "recipe.toml", "--out", tmp_path / "killed")
    resumed = pj.resume(tmp_path / "killed", watch=None)
    assert (resumed.path / "model.safetensors").read_bytes() == (whole.path / "model.safetensors").read_bytes()
    agrees(resumed, pictures)


@pytest.mark.slow
def test_an_exported_module_answers_as_the_run_does(pictures: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    from penjing.exports import onnx
    from penjing.workflows._load import load

    module = Odd("batch norm")
    run = fitted(pictures, module, tmp_path / "run")
    loaded = load(run, model=module)
    model = onnx.open_model(onnx.export(loaded.subject, tmp_path / "model.onnx"))
    kept = run.predictions.filter(model="network")
    settings = loaded.inputs[0].settings
    items = np.stack(
        [loaded.inputs[0].plugin.decode((pictures / name).read_bytes(), settings) for name in kept["name"]]
    )
    np.testing.assert_allclose(model.probabilities(items), np.array(kept["probability"].to_list()), atol=1e-5)


class Two(nn.Module):
    """A text and numbers, named as the columns are, in another order."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words, self.numbers = nn.EmbeddingBag(2000, 3), nn.LazyLinear(3)

    def forward(self, table: Tensor, review: Tensor) -> Tensor:
        return self.words(review % 2000) + self.numbers(table)


def test_two_inputs_come_from_a_dict_of_columns(tmp_path: Path) -> None:
    frame = rows()
    data = {name: frame[name].to_list() for name in ("review", "size", "label")}
    run = fitted(data, Two(), tmp_path / "run", target="label")
    kept = run.predictions.filter(model="network")
    numbers = [int(name.removeprefix("row ")) - 1 for name in kept["name"]]
    new = {name: [data[name][row] for row in numbers] for name in ("review", "size")}
    found = pj.predict(run, new, model=Two(), watch=None)
    np.testing.assert_allclose(found.probability, np.array(kept["probability"].to_list()), atol=1e-5)
    assert len(pj.predict(run, {"review": new["review"]}, model=Two(), watch=None)) == len(numbers)
