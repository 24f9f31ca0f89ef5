"""A person's own network is trained whole, found again by its name, and adopted as it is."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import penjing as pj
from penjing.core.events import Decided
from penjing.models import own
from penjing.training._whole import Inside, _louder
from penjing.workflows import _own
from penjing.workflows._choose import RecipeWish
from penjing.workflows._wish import FitWish, plain_wish, wish_of
from tiny_data import draw

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.maps, self.last = nn.Conv2d(3, 8, 3), nn.Linear(8, 3)

    def forward(self, pictures):
        return self.last(self.maps(pictures).relu().amax((2, 3)))
"""
CLASSES = ("across", "along", "noise")
ONE_WAY = {"machine.threads": 1, "machine.layout": "channels_last", "machine.number_format": "float32"}
SHORT = {"training.steps": 40, **ONE_WAY}  # what is measured of a busy machine changes from run to run
AMPLE = 30  # seconds: the updates are few, and no slow import may leave fewer


class Maps(nn.Module):
    """Three numbers a picture; `end` is what stands behind the last layer."""

    def __init__(self, outputs: int = 3, end: str = "") -> None:
        super().__init__()
        self.maps, self.last, self.end = nn.Conv2d(3, 8, 3), nn.Linear(8, outputs), end

    def forward(self, pictures: Tensor) -> Tensor:
        found = self.last(self.maps(pictures).relu().amax((2, 3)))
        return found.softmax(1) if self.end == "softmax" else found


class Both(nn.Module):
    """Pictures and numbers, in an order of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.picture, self.table = nn.LazyLinear(2), nn.LazyLinear(2)

    def forward(self, table: Tensor, image: Tensor) -> Tensor:
        assert table.ndim == 2
        assert image.ndim == 4
        return self.picture(image.flatten(1)) / 1000 + self.table(table)


class Elsewhere(Maps):
    """On the device "meta", which refuses others' tensors as a GPU does; brought back it has the weights of `made`."""

    def __init__(self) -> None:
        super().__init__()
        self.to_empty(device="meta")

    def to(self, device: Any) -> Any:
        found = self.to_empty(device=device)
        found.load_state_dict(made().state_dict())
        return found


def made(**settings: Any) -> Maps:
    torch.manual_seed(0)
    return Maps(**settings)


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, list[str]]:
    drawn = [(np.asarray(draw(kind, number)), CLASSES[kind]) for kind in range(3) for number in range(40)]
    return np.stack([one for one, _ in drawn]), [name for _, name in drawn]


def fitted(pictures: Any, model: object, out: Path, **wishes: Any) -> pj.Run:
    wishes = {"set": SHORT, "time": AMPLE, **wishes}
    return pj.fit(pictures, model=model, out=out, watch=None, pictures=False, **wishes)


def weights(run: pj.Run) -> dict[str, Tensor]:
    return load_file(run.path / "model.safetensors")


def test_a_module_is_trained_as_a_copy_and_asked_for_again(pictures: Any, tmp_path: Path) -> None:
    module = made(end="softmax")
    before = own.hash_of(module.state_dict())
    told: list[Any] = []
    run = pj.fit(pictures, model=module, out=tmp_path / "run", set=SHORT, time=AMPLE, watch=told.append, pictures=False)
    assert own.hash_of(module.state_dict()) == before == run.recipe.model.settings["weights"]
    said = [one for one in told if isinstance(one, Decided) and one.choice == "your own (Maps)"]
    assert "probabilities already, so their logarithms" in said[0].why
    assert run.scores[0].value > 0.6
    assert pj.predict(run, pictures[0][:5], model=made(end="softmax"), watch=None).frame.height == 5
    assert pj.test(run, data=pictures, model=module, watch=None).scores[0].value > 0.5


def test_the_same_recipe_and_module_give_the_same_bits(pictures: Any, tmp_path: Path) -> None:
    first = fitted(pictures, made(), tmp_path / "first")
    again = pj.fit(pictures, model=made(), recipe=first.recipe, out=tmp_path / "again", watch=None, pictures=False)
    ours, theirs = weights(first), weights(again)
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    with pytest.raises(pj.UsageError, match="begins with other weights"):
        pj.fit(pictures, model=Maps(), recipe=first.recipe, out=tmp_path / "other", watch=None)


def test_a_module_that_lies_on_a_gpu_is_trained_as_one_that_does_not(pictures: Any, tmp_path: Path) -> None:
    module = Elsewhere()
    there, here = (weights(fitted(pictures, one, tmp_path / str(at))) for at, one in enumerate((module, made())))
    assert all(torch.equal(there[name], here[name]) for name in here)
    assert {weight.device.type for weight in module.parameters()} == {"meta"}


def test_a_class_in_a_file_is_made_from_the_seed_and_found_again(pictures: Any, tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(NET, encoding="utf-8")
    run = fitted(pictures, f"{path}:Net", tmp_path / "run")
    assert run.recipe.model.settings["source"] == f"{path}:Net"
    assert pj.predict(run, pictures[0][:3], watch=None).frame.height == 3
    assert own.hash_of(own.make(f"{path}:Net", 0).state_dict()) == run.recipe.model.settings["weights"]
    path.unlink()
    with pytest.raises(pj.UsageError, match=r"there is no file .*net\.py"):
        pj.predict(run, pictures[0][:3], watch=None)


def test_a_file_given_by_a_relative_path_is_found_from_another_folder(
    pictures: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    run = fitted(pictures, "net.py:Net", tmp_path / "run")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert pj.predict(run, pictures[0][:3], watch=None).frame.height == 3
    assert own.placed("package.module:Net") == "package.module:Net"
    (tmp_path / "net.py").rename(tmp_path / "elsewhere" / "net.py")  # the project moved
    assert pj.predict(run, pictures[0][:3], watch=None).frame.height == 3


def test_an_object_with_settings_that_its_class_does_not_have_is_asked_for_again(
    pictures: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "package").mkdir()
    text = NET.replace("__init__(self)", "__init__(self, factor=1.0)").replace(
        "        self.maps", "        self.factor = factor\n        self.maps"
    )
    (tmp_path / "package" / "factors.py").write_text(text.replace("return self", "return self.factor * self"), "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    factors = importlib.import_module("package.factors")
    usual = fitted(pictures, factors.Net(), tmp_path / "usual")
    assert usual.recipe.model.settings["source"] == "package.factors:Net"
    assert pj.predict(usual, pictures[0][:3], watch=None).frame.height == 3
    run = fitted(pictures, factors.Net(2.0), tmp_path / "run")
    assert run.recipe.model.settings["source"] == ""
    with pytest.raises(pj.UsageError, match="give it with model="):
        pj.predict(run, pictures[0][:3], watch=None)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: Maps(5), r"gives \[8, 5\] for 8 items; expected \[8, 3\]: one for each of 3 \(across, along, noise\)"),
        (lambda: nn.Linear(4, 3), r"does not take what the data give \(image \[8, 3, 12, 12\]\)"),
        (lambda: Both(), r"takes 2 inputs \(table, image\), and the data have 1: image"),
        (lambda: 3, "model is a int"),
        (lambda: "own", r"give it as --model net\.py:Net, or from Python"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(model: Any, words: str, pictures: Any, tmp_path: Path) -> None:
    with pytest.raises(pj.UsageError, match=words):
        fitted(pictures, model(), tmp_path / "run")


def test_several_inputs_come_by_the_names_of_the_parameters(pictures: Any, tmp_path: Path) -> None:
    drawn, labels = pictures
    numbers = np.array([CLASSES.index(name) for name in labels], dtype=np.float32) + np.linspace(0, 0.1, len(labels))
    data = {"image": drawn[:80], "size": numbers[:80]}, labels[:80]
    steps = {**SHORT, "training.steps": 300, "optimiser.rate": 0.01}
    run = fitted(data, Both(), tmp_path / "run", set=steps, time=12)
    assert run.recipe.encoders == {}
    assert run.scores[0].value > 0.8


def test_a_model_trained_elsewhere_is_adopted_as_it_is(pictures: Any, tmp_path: Path) -> None:
    trained = fitted(pictures, made(), tmp_path / "trained")
    module = made()
    module.load_state_dict({name[14:]: value for name, value in weights(trained).items() if name[:7] == "fusion."})
    mixed = nn.Sequential(module, nn.Linear(3, 3, bias=False))
    order = [2, 0, 1]  # its outputs: noise, across, along
    mixed[1].weight.data = torch.eye(3)[order]
    names = [CLASSES[place] for place in order]
    run = pj.adopt(mixed, pictures, names=names, out=tmp_path / "adopted", watch=None, pictures=False)
    assert run.info["kind"] == "adopted"
    assert run.scores[0].value == trained.scores[0].value
    assert (run.path / "report.html").exists()
    assert pj.test(run, data=pictures, model=mixed, watch=None).opening == 1
    assert pj.compare(trained, run).to_dict()
    with pytest.raises(pj.UsageError, match="name each once"):
        pj.adopt(mixed, pictures, names=["noise", "along", "up"], out=tmp_path / "other", watch=None)
    with pytest.raises(pj.UsageError, match='nothing to adopt in "cnn"'):
        pj.adopt("cnn", pictures, watch=None)


def test_a_model_is_adopted_however_long_its_data_take(
    pictures: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penjing.workflows.fit.DEFAULT_SECONDS", 0.001)  # in which nothing is decoded
    run = pj.adopt(made(), pictures, out=tmp_path / "adopted", watch=None, pictures=False)
    assert run.info["deadline_seconds"] is None
    assert run.info["data"]["items_outside_test"] > 80


def test_a_model_whose_adoption_was_stopped_is_not_trained_by_going_on(
    pictures: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    model = made()
    with monkeypatch.context() as patched:
        patched.setattr("penjing.workflows._simple.learn_floors", stop)
        with pytest.raises(KeyboardInterrupt):
            pj.adopt(model, pictures, out=tmp_path / "adopted", watch=None, pictures=False)
    with pytest.raises(pj.RunError, match=r"was trained elsewhere, .* give it again with pj\.adopt"):
        pj.resume(tmp_path / "adopted", data=pictures, model=model, watch=None)


def test_preprocess_gives_pictures_as_the_network_was_made_for() -> None:
    pixels = torch.full((1, 2, 2, 3), 255, dtype=torch.uint8)
    assert own.Pixels("unit", 3)(pixels).unique().tolist() == [1.0]
    assert own.Pixels("raw", 3)(pixels).unique().tolist() == [255.0]
    assert own.Pixels("imagenet", 3)(pixels)[0, :, 0, 0] == pytest.approx([2.2489, 2.4286, 2.64], abs=1e-3)


@pytest.mark.parametrize(("end", "is_within"), [(nn.Identity(), False), (nn.Sigmoid(), True)])
def test_outputs_that_only_happen_to_lie_between_0_and_1_are_no_probabilities(end: nn.Module, is_within: bool) -> None:
    """What is normalised at once is as loud for loud inputs; a logit near a half would pass for a probability."""
    line = nn.Linear(4, 1)
    nn.init.constant_(line.weight, 0.01)
    nn.init.constant_(line.bias, 0.5)
    inside = Inside(nn.Sequential(nn.LayerNorm(4), line, end), ["x"]).eval()
    x = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        outputs = torch.cat([inside([x], {}), inside([30 * x], {})])
        assert ((outputs >= 0) & (outputs <= 1)).all()
        louder = _louder(inside)([x], {})
    assert bool(((louder >= 0) & (louder <= 1)).all()) is is_within
    assert line.bias.item() == 0.5


def test_how_a_network_was_given_is_known_to_a_run_that_goes_on() -> None:
    given = own.Own(Maps(), preprocess="raw", names=("noise", "along", "across"))
    wish = FitWish(recipe=RecipeWish(model=own.NAME, own=given))
    told = {"wish": json.loads(json.dumps(plain_wish(wish))), "parent": None}
    again = _own.recalled(wish_of(told), Maps(), told["wish"]["own"]).recipe.own
    assert again is not None
    assert (again.preprocess, again.names) == ("raw", ("noise", "along", "across"))
    plain = {"wish": plain_wish(FitWish()), "parent": None}
    assert _own.recalled(wish_of(plain), None, plain["wish"]["own"]).recipe.own is None
