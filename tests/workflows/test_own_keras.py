"""Keras models on the torch backend are trained like any network; published ones with only their imports changed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import penjing as pj
import penjing.keras
from penjing.keras._names import MODULES
from tiny_data import draw

CLASSES = ("across", "along", "noise")


@pytest.fixture(scope="module")
def keras() -> Any:
    pytest.importorskip("safetensors")
    try:
        return penjing.keras.library()
    except pj.MissingExtra:
        pytest.skip("Keras is not installed")


def image_example() -> Any:
    """The image network of the article, as it was published but for the import."""
    from penjing.keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
    from penjing.keras.models import Sequential

    model = Sequential()
    model.add(Conv2D(8, (3, 3), activation="relu", input_shape=(12, 12, 3)))
    model.add(MaxPooling2D((2, 2)))
    model.add(Conv2D(16, (3, 3), activation="relu"))
    model.add(MaxPooling2D((2, 2)))
    model.add(Flatten())
    model.add(Dropout(0.2))
    model.add(Dense(3, activation="softmax"))
    return model


def text_example() -> Any:
    """The text network of the article, as it was published but for the import and smaller."""
    from penjing.keras import Sequential, layers

    model = Sequential()
    model.add(layers.Embedding(2000, 16, input_length=80))
    model.add(layers.LSTM(16, dropout=0.2, recurrent_dropout=0.2))
    model.add(layers.Dense(1, activation="sigmoid"))
    return model


@pytest.mark.slow
def test_the_image_example_trains_answers_and_repeats_to_the_bit(keras: Any, tmp_path: Path) -> None:
    drawn = [(np.asarray(draw(kind, number, 16)), CLASSES[kind]) for kind in range(3) for number in range(40)]
    data = np.stack([one for one, _ in drawn]), [name for _, name in drawn]
    model, told = image_example(), list[Any]()
    wishes: dict[str, Any] = {"pictures": False, "watch": told.append}
    run = pj.fit(
        data, model=model, out=tmp_path / "run", time=300, set={"training.steps": 100, "machine.threads": 1}, **wishes
    )
    said = "\n".join(str(event) for event in told)
    assert "input_shape says 12×12×3, so pictures are put on that canvas" in said
    assert "probabilities already" in said
    assert run.scores[0].value > 0.6
    assert pj.predict(run, data[0][:3], model=image_example(), watch=None).frame.height == 3
    again = pj.fit(data, model=model, recipe=run.recipe, out=tmp_path / "again", **wishes)
    ours, theirs = (load_file(one.path / "model.safetensors") for one in (run, again))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.slow
def test_the_text_example_trains(keras: Any, tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    plain = ["the", "film", "was", "a", "story", "about", "people", "who", "went", "there", "and", "then"]
    kinds = {
        "good": ["lovely", "wonderful", "great", "fine", "happy"],
        "bad": ["awful", "dull", "terrible", "sad", "boring"],
    }
    labels = ["good", "bad"] * 60
    texts = [" ".join([*draws.choice(plain, 8), *draws.choice(kinds[label], 2)]) for label in labels]
    steps = {"training.steps": 120}
    run = pj.fit((texts, labels), model=text_example(), out=tmp_path / "run", time=300, set=steps, watch=None)
    assert run.scores[0].value > 0.7


def test_a_copy_keeps_every_weight_and_the_state_of_dropout(keras: Any) -> None:
    import copy

    wrapped = penjing.keras.Wrapped(image_example())
    copied = copy.deepcopy(wrapped)
    ours, theirs = wrapped.state_dict(), copied.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert all(ours[name].data_ptr() != theirs[name].data_ptr() for name in ours)
    maps = torch.randn(2, 3, 12, 12)
    answers = []
    for one in (wrapped.train(), copied.train()):
        torch.manual_seed(0)  # which Keras' dropout follows, as penjing's steps seed it
        answers.append(one(maps))
    assert torch.equal(*answers)
    assert not torch.equal(wrapped(maps), wrapped(maps))  # dropout draws anew
    assert torch.equal(wrapped.eval()(maps), wrapped(maps))


@pytest.mark.parametrize("is_built", [True, False])
def test_a_network_answers_where_its_inputs_lie_whatever_device_keras_prefers(
    keras: Any, monkeypatch: pytest.MonkeyPatch, is_built: bool
) -> None:
    """Keras moves what it is given to a GPU, where there is one; here to "meta", where nothing is computed."""
    from keras.src.backend.torch import core

    from penjing.keras import Wrapped

    layers = keras.layers
    model = keras.Sequential([layers.Flatten(), layers.Dropout(0.2), layers.Dense(2)])
    if is_built:
        model.build((None, 12, 12, 3))
    wrapped = Wrapped(model)
    monkeypatch.setattr(core, "DEFAULT_DEVICE", "meta")
    for network in (wrapped.train(), wrapped.eval()):
        found = network(torch.randn(2, 3, 12, 12))
        assert found.device.type == "cpu"
        assert found.isfinite().all()
    assert {weight.device.type for weight in wrapped.parameters()} == {"cpu"}
    assert core.get_device() == "meta"


def test_a_network_that_is_moved_takes_the_variables_of_keras_along(keras: Any) -> None:
    from penjing.keras import Wrapped

    model = image_example()
    wrapped = Wrapped(model).to(torch.float64)
    assert {variable.value.dtype for variable in model.trainable_variables} == {torch.float64}
    assert [one.data_ptr() for one in wrapped.weights] == [one.value.data_ptr() for one in model.variables]


def test_older_arguments_are_taken_without_a_warning_and_layers_are_keras_own(keras: Any) -> None:
    assert image_example().input_shape == (None, 12, 12, 3)
    from penjing.keras import layers

    assert type(layers.Dense(3)) is keras.layers.Dense

    class Doubled(layers.Dense):
        def call(self, given: Any) -> Any:
            return 2 * super().call(given)

    assert isinstance(Doubled(3), keras.layers.Dense)
    assert isinstance(layers.Dense(3), layers.Dense)
    assert not isinstance(layers.Dense(3), layers.Dropout)
    assert isinstance(Doubled(3), layers.Dense)
    assert not isinstance(layers.Dense(3), Doubled)


def test_what_becomes_of_older_arguments_is_said(keras: Any) -> None:
    from penjing.core.events import Said
    from penjing.models.own import Own
    from penjing.workflows._choose import RecipeWish
    from penjing.workflows._own import as_it_takes
    from penjing.workflows._wish import FitWish

    def said(model: Any, given: frozenset[str] = frozenset()) -> str:
        told: list[Any] = []
        as_it_takes(FitWish(recipe=RecipeWish(model="own", own=Own(model)), given=given), told.append)
        assert all(isinstance(event, Said) for event in told)
        return "\n".join(event.message for event in told)

    assert "input_length=80 is of older Keras and changes nothing" in said(text_example())
    assert "input_shape says 12×12×3" in said(image_example())
    assert "input_shape=(12, 12, 3) is of older Keras" in said(image_example(), frozenset({"side"}))
    assert "regularizer" not in said(image_example())


def test_what_only_keras_own_fit_carries_out_is_named(keras: Any) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [layers.Input((4,)), layers.Dense(3, kernel_regularizer="l2"), layers.Dense(2, bias_constraint="non_neg")]
    )
    assert penjing.keras.unused_arguments(model) == ["bias_constraint", "kernel_regularizer"]


def test_a_published_program_runs_with_only_its_imports_changed(keras: Any, capsys: Any) -> None:
    from penjing.keras.layers import LSTM, Dense, Embedding
    from penjing.keras.models import Sequential
    from penjing.keras.preprocessing import sequence
    from penjing.keras.utils import to_categorical

    x = sequence.pad_sequences([[1 + number % 7] * (1 + number % 5) for number in range(16)], maxlen=6)
    y = np.arange(16) % 2
    model = Sequential()
    model.add(Embedding(10, 4, input_length=6))
    model.add(LSTM(4, dropout=0.2, recurrent_dropout=0.2))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    with warnings.catch_warnings():  # of Keras' own
        warnings.simplefilter("ignore")
        model.summary()
        history = model.fit(x, y, epochs=1, batch_size=8, validation_data=(x, y))
        loss, accuracy = model.evaluate(x, y)
        assert model.predict(x[:3]).shape == (3, 1)
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert np.isfinite(loss)
    assert 0 <= accuracy <= 1
    assert to_categorical([0, 2]).shape == (2, 3)
    assert "embedding" in capsys.readouterr().out


def test_another_backend_is_refused_with_a_sentence(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(pj.UsageError, match=r"Keras runs on jax, .* set KERAS_BACKEND=torch"):
        penjing.keras.library()


def test_without_keras_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(pj.MissingExtra, match=r"pip install 'penjing\[keras\]'"):
        _ = penjing.keras.Sequential


def test_importing_penjing_keras_sets_the_backend_only_when_keras_is_used() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    code = "import os, sys, penjing.keras; print('keras' in sys.modules, os.environ.get('KERAS_BACKEND'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["False", "None"]


PUBLISHED = """
from penjing.keras.activations import relu
from penjing.keras.applications import MobileNetV2
from penjing.keras.backend import image_data_format
from penjing.keras.callbacks import EarlyStopping, ModelCheckpoint
from penjing.keras.constraints import MaxNorm
from penjing.keras.datasets import mnist
from penjing.keras.datasets.cifar10 import load_data
from penjing.keras.initializers import HeNormal
from penjing.keras.layers import *
from penjing.keras.losses import CategoricalCrossentropy
from penjing.keras.metrics import AUC
from penjing.keras.models import *
from penjing.keras.ops import softmax
from penjing.keras.optimizers import Adam
from penjing.keras.optimizers.schedules import ExponentialDecay
from penjing.keras.preprocessing.sequence import pad_sequences
from penjing.keras.regularizers import l2
from penjing.keras.saving import load_model
from penjing.keras.utils import to_categorical
"""


def test_published_programs_find_every_name_that_they_import(keras: Any) -> None:
    there: dict[str, Any] = {}
    exec(PUBLISHED, there)
    assert there["Adam"] is keras.optimizers.Adam
    assert there["mnist"] is keras.datasets.mnist
    assert there["l2"] is keras.regularizers.l2
    assert there["load_data"] is keras.datasets.cifar10.load_data
    assert there["pad_sequences"] is keras.preprocessing.sequence.pad_sequences
    assert there["Dense"] is penjing.keras.layers.Dense
    assert isinstance(there["Sequential"]([there["Dense"](3, activation="relu")]), keras.Model)
    asked = set(re.findall(r"penjing\.keras\.(\w+)", PUBLISHED))
    assert asked == set(MODULES)
    for name in MODULES:
        assert getattr(penjing.keras, name).__name__ == f"penjing.keras.{name}"
