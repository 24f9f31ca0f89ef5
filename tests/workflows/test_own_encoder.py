"""Encoders of a person's own weights, from the training to the prediction."""

from __future__ import annotations

import importlib.util
import json
from inspect import signature

import numpy as np
import pytest
import torch
from kinds import ITEMS, SHORT, picture, write_files
from safetensors.torch import save_file

import penjing as pj
from penjing._wishes import fit_wish
from penjing.core.errors import DataError, UsageError
from penjing.core.events import Warned
from penjing.core.recipe import Choice, Recipe
from penjing.pretrained import _timm, _transformers, named

needs_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason=_timm.INSTALL)
needs_transformers = pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason=_transformers.INSTALL)
HEAD = 'model = { name = "probe" }' + SHORT


@pytest.fixture
def data(tmp_path):
    return write_files(tmp_path / "data", picture, ".png")


@pytest.fixture
def weights(tmp_path):
    return written(tmp_path / "weights.safetensors", seed=1)


def written(file, seed):
    torch.manual_seed(seed)
    save_file(_timm._imported().create_model("test_resnet", num_classes=2).state_dict(), file)
    return file


@needs_timm
def test_a_head_on_own_weights_is_trained_kept_and_asked_again(data, weights, tmp_path):
    encoder = named(f"timm:test_resnet@{weights}")
    recipe = Recipe.from_toml(HEAD)
    recipe = Recipe(**{**vars(recipe), "pretrained": {"image": encoder}}).filled()
    run = pj.fit(data, recipe=recipe, out=tmp_path / "run", watch=None, pictures=False)
    said = json.loads((run.path / "prepare.json").read_text(encoding="utf-8"))["inputs"]["image"]["pretrained"]
    assert said["settings"]["fingerprint"] == encoder.settings["fingerprint"]
    assert said["source"] == f"timm test_resnet, weights of {weights}"
    answers = pj.predict(run, data)
    assert len(answers) == ITEMS
    assert str(weights) in pj.report(run).read_text(encoding="utf-8")

    written(weights, seed=2)
    with pytest.raises(DataError, match="holds other weights than the recipe's"):
        pj.predict(run, data)
    weights.unlink()
    with pytest.raises(DataError, match=r"weights\.safetensors are not there any more; put them back"):
        pj.predict(run, data)
    written(weights, seed=1)
    assert pj.predict(run, data).frame.equals(answers.frame)


@needs_timm
def test_three_grey_arrays_are_three_pictures_through_an_encoder_of_colours_too(weights, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 100, (40, 28, 28), dtype=np.uint8)
    y = np.arange(40) % 2
    x[y == 1] += 100
    recipe = Recipe.from_toml(HEAD)
    recipe = Recipe(**{**vars(recipe), "pretrained": {"image": named(f"timm:test_resnet@{weights}")}}).filled()
    run = pj.fit((x, y), recipe=recipe, out=tmp_path / "run", watch=None, pictures=False)
    assert "pretrained" in json.loads((run.path / "prepare.json").read_text(encoding="utf-8"))["inputs"]["image"]
    assert len(pj.predict(run, x[:3])) == 3
    assert len(pj.predict(run, x[0])) == 1


@needs_timm
def test_own_weights_compete_with_a_network_from_scratch(data, weights, tmp_path):
    run = pj.fit(
        data,
        pretrained=f"timm:test_resnet@{weights}",
        time="90s",
        set={"training.steps": 60},
        out=tmp_path / "run",
        watch=None,
    )
    kept = Recipe.read(run.path / "pretrained" / "recipe.toml").pretrained["image"]
    assert kept == named(f"timm:test_resnet@{weights}")
    assert isinstance(kept, Choice)


@needs_transformers
def test_an_encoder_whose_preparation_is_guessed_is_told_of(data, tmp_path):
    from transformers import ViTConfig, ViTModel

    taken = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    ViTModel(ViTConfig(**taken, image_size=32, patch_size=8)).save_pretrained(tmp_path / "vit")
    heard = []
    pj.fit(data, pretrained=str(tmp_path / "vit"), time="8s", out=tmp_path / "run", watch=heard.append, pictures=False)
    said = [
        event.message for event in heard if isinstance(event, Warned) and "preprocessor_config.json" in event.message
    ]
    assert len(said) == 1
    assert said[0].startswith(f"{tmp_path / 'vit'} holds no preprocessor_config.json")


@pytest.mark.parametrize("model", ["cnn", torch.nn.Flatten()])
def test_an_encoder_and_another_network_are_not_asked_for_together(data, tmp_path, model):
    with pytest.raises(UsageError, match=r"--pretrained minilm asks for a head .* leave one of them out"):
        pj.fit(data, pretrained="minilm", model=model, time="8s", out=tmp_path / "run", watch=None)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("pretrained", ["no", "auto"])
def test_a_network_by_name_may_go_with_no_encoder_in_particular(pretrained):
    said = {**dict.fromkeys(signature(pj.fit).parameters), "model": "cnn", "pretrained": pretrained}
    assert fit_wish({**said, "device": "cpu", "final": False}).recipe.model == "cnn"


def test_an_encoder_of_other_inputs_is_refused_before_anything_is_learned(data, tmp_path):
    with pytest.raises(UsageError, match="--pretrained minilm reads text, and the inputs here are image"):
        pj.fit(data, pretrained="minilm", time="8s", out=tmp_path / "run", watch=None)
    assert not (tmp_path / "run").exists()


def test_weights_that_are_not_there_are_refused_before_the_data_are_read(tmp_path):
    with pytest.raises(UsageError, match="is not a file of weights"):
        pj.fit(tmp_path / "no data", pretrained=f"timm:test_resnet@{tmp_path}/none.pt", watch=None)
