"""The ONNX export says what is wrong in a sentence, keeps quiet, and leaves no trace of this machine."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from penjing.core.errors import DataError, MissingExtra, RunError, UsageError
from penjing.exports import onnx
from penjing.exports._measure import BATCH, network_probabilities, parity
from penjing.exports._subject import Subject
from penjing.modalities.image.front_end import FrontEnd
from penjing.tasks.classify.head import Answer
from penjing.training._assemble import Network

onnxruntime = pytest.importorskip("onnxruntime")


def subject(channels: int = 3, encoder: nn.Module | None = None) -> Subject:
    torch.manual_seed(0)
    front_end = FrontEnd({"mean": [0.5] * channels, "std": [0.2] * channels})
    encoder = encoder or nn.Sequential(nn.Conv2d(channels, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network = Network({"image": front_end}, {"image": encoder}, nn.Linear(4, 2)).eval()
    return Subject(network, {"image": ((8, 8, channels), "uint8")}, ("健康", "sick"), Answer({"temperature": 1.5}))


class Branching(nn.Module):
    """Decides by its input's values, which a graph cannot."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3)) if images.sum() > 0 else images.amax((2, 3))


def pictures(count: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 8, 8, channels), dtype=np.uint8)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return onnx.export(subject(), tmp_path_factory.mktemp("模型") / "model.onnx")


def test_the_probabilities_are_those_of_the_formula(written: Path) -> None:
    """softmax((network of standardised pixels) / temperature), written out with torch's plain functions."""
    whole, items = subject(), pictures(5)
    images = torch.from_numpy(items).permute(0, 3, 1, 2).float() / 255
    encoder = whole.network.encoder["image"]
    with torch.no_grad():
        expected = torch.softmax(whole.network.head(encoder((images - 0.5) / 0.2)) / 1.5, dim=1)
    np.testing.assert_allclose(onnx.open_model(written).probabilities(items), expected, atol=1e-5)


def test_parity_sees_a_network_that_is_another(written: Path) -> None:
    other = subject()
    with torch.no_grad():
        other.network.head.bias.add_(torch.tensor([2.0, -2.0]))
    found = parity(other, onnx.open_model(written), pictures(20))
    assert found.difference > 0.1


def test_answers_that_are_no_numbers_are_not_the_same() -> None:
    class Silent:
        """A model whose second item has no answer."""

        facts: Mapping[str, Any] = MappingProxyType({"classes": []})

        def probabilities(self, *items: np.ndarray) -> np.ndarray:
            found = network_probabilities(subject(), items[0])
            return np.where(np.arange(len(found))[:, None] == 1, np.float32(np.nan), found)

    assert np.isnan(parity(subject(), Silent(), pictures(20)).difference)
    many = np.concatenate([pictures(2), pictures(BATCH)])  # the batch behind it is sound
    assert np.isnan(parity(subject(), Silent(), many[: BATCH + 1]).difference)


def test_parity_of_nothing_is_an_error(written: Path) -> None:
    with pytest.raises(DataError, match="at least one decoded item"):
        parity(subject(), onnx.open_model(written), pictures(0))


def test_grey_pictures_are_exported_too(tmp_path: Path) -> None:
    path = onnx.export(subject(channels=1), tmp_path / "grey.onnx")
    assert onnx.open_model(path).probabilities(pictures(3, channels=1)).shape == (3, 2)


def test_exporting_neither_prints_nor_warns_nor_logs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        onnx.export(subject(), tmp_path / "quiet.onnx")
    assert not heard
    assert capfd.readouterr() == ("", "")
    assert logger.level == before


def test_the_file_names_no_folder_of_this_machine(written: Path) -> None:
    content = written.read_bytes()
    assert str(Path(torch.__file__).parent.parent).encode() not in content
    assert str(Path(onnx.__file__).parent).encode() not in content


def test_exporting_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    whole = subject()
    whole.network.train()
    before = {name: value.clone() for name, value in whole.network.state_dict().items()}
    onnx.export(whole, tmp_path / "model.onnx")
    assert whole.network.training
    assert all(torch.equal(value, before[name]) for name, value in whole.network.state_dict().items())


def test_a_network_that_cannot_be_exported_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="the network cannot be exported to ONNX: ") as caught:
        onnx.export(subject(encoder=Branching()), tmp_path / "model.onnx")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "model.onnx").exists()


def test_another_suffix_is_refused_with_the_right_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must end in .onnx; call it .*model.onnx"):
        onnx.export(subject(), tmp_path / "model.pt")


def test_a_folder_is_no_place_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        onnx.export(subject(), tmp_path / "x.onnx")


def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingExtra, match=r"onnxscript is needed to write an ONNX file.*penjing\[onnx\]"):
        onnx.export(subject(), tmp_path / "model.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match="onnxruntime is needed to run an ONNX file"):
        onnx.open_model(written)


def test_files_that_are_no_models_of_ours_are_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no file"):
        onnx.open_model(tmp_path / "missing.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(RunError, match=r"broken\.onnx is not an ONNX model, or is damaged"):
        onnx.open_model(tmp_path / "broken.onnx")


def test_a_foreign_or_a_newer_model_is_refused(tmp_path: Path, written: Path) -> None:
    import onnx as library

    model = library.load(str(written))
    model.metadata_props[0].value = model.metadata_props[0].value.replace('"format": 1', '"format": 99')
    library.save(model, str(tmp_path / "newer.onnx"))
    with pytest.raises(RunError, match=r"newer penjing \(format 99\); upgrade"):
        onnx.open_model(tmp_path / "newer.onnx")
    del model.metadata_props[:]
    library.save(model, str(tmp_path / "foreign.onnx"))
    with pytest.raises(RunError, match="was not exported by penjing"):
        onnx.open_model(tmp_path / "foreign.onnx")
