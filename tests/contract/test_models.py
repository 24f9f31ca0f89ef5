"""What every network promises, whatever the picture: it learns all over, saves, exports, and keeps items apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from penjing.core import plugins
from penjing.modalities.image.front_end import FrontEnd, learn

NAMES = plugins.names("models")
SHAPES = [(channels, side, side) for channels in (1, 3) for side in (8, 28, 32, 64)]
CLASSES = 4


def built(name: str, shape: tuple[int, int, int], dial: float = 0.25) -> Any:
    torch.manual_seed(0)
    module = plugins.load("models", name)
    return module.build(shape, module.sized(dial, shape))


def images(shape: tuple[int, int, int], count: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))


def with_head(encoder: Any) -> nn.Sequential:
    return nn.Sequential(encoder, nn.Linear(encoder.features, CLASSES))


def settled(name: str, shape: tuple[int, int, int]) -> nn.Sequential:
    """A network whose running statistics have seen something, in evaluation mode."""
    network = with_head(built(name, shape))
    for seed in range(3):
        network(images(shape, seed=seed))
    return network.eval()


def test_all_models_are_found() -> None:
    assert set(NAMES) == {"cnn", "image_example", "mlp"}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", NAMES)
def test_it_takes_any_picture_and_any_batch(name: str, shape: tuple[int, int, int]) -> None:
    network = built(name, shape)
    for count in (1, 2, 5):
        found = network(images(shape, count))
        assert found.shape == (count, network.features)
        assert torch.isfinite(found).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_takes_large_pictures(name: str) -> None:
    network = built(name, (3, 224, 224))
    assert network(images((3, 224, 224), 2)).shape == (2, network.features)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_gets_a_gradient(name: str) -> None:
    network = with_head(built(name, (3, 28, 28)))
    target = torch.arange(16) % CLASSES
    nn.functional.cross_entropy(network(images((3, 28, 28), 16)), target).backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28)])
@pytest.mark.parametrize("name", NAMES)
def test_one_batch_is_memorised(name: str, shape: tuple[int, int, int]) -> None:
    network = with_head(built(name, shape))
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    batch, target = images(shape, 16), torch.arange(16) % CLASSES
    for _ in range(60):
        loss = nn.functional.cross_entropy(network(batch), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (network(batch).argmax(1) == target).all()


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded_it_gives_the_same_bits(name: str, tmp_path: Path) -> None:
    shape = (3, 28, 28)
    network = settled(name, shape)
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    other = with_head(built(name, shape)).eval()
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    assert torch.equal(other(images(shape)), network(images(shape)))


@pytest.mark.parametrize("name", NAMES)
def test_the_dial_changes_the_size(name: str) -> None:
    sizes = [
        sum(weight.numel() for weight in built(name, (3, 32, 32), dial).parameters()) for dial in (0.25, 0.5, 1, 2, 4)
    ]
    assert sizes == sorted(set(sizes))
    assert sizes[-1] > 4 * sizes[0]


@pytest.mark.parametrize("name", NAMES)
def test_the_standard_dial_gives_the_default_settings(name: str) -> None:
    module = plugins.load("models", name)
    assert module.sized(1.0, (3, 32, 32)) == module.Settings()


@pytest.mark.parametrize("name", NAMES)
def test_a_prediction_does_not_depend_on_the_other_items(name: str) -> None:
    shape = (3, 28, 28)
    network = settled(name, shape)
    batch = images(shape, 5)
    alone = torch.cat([network(item[None]) for item in batch])
    torch.testing.assert_close(network(batch), alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_memory_layout_does_not_change_the_result(name: str) -> None:
    shape = (3, 28, 28)
    network = settled(name, shape)
    expected = network(images(shape))
    found = network.to(memory_format=torch.channels_last)(images(shape).contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the exporter's own, about its own code
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_exported_from_pixels_on_it_gives_the_same(name: str, channels: int, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28, channels), dtype=np.uint8)
    network = nn.Sequential(FrontEnd(learn(pixels)), settled(name, (channels, 28, 28))).eval()
    path = tmp_path / "model.onnx"
    example = (torch.from_numpy(pixels[:2]),)
    dynamic = ({0: torch.export.Dim("batch")},)
    torch.onnx.export(network, example, path, dynamo=True, dynamic_shapes=dynamic, verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: pixels})
    expected = network(torch.from_numpy(pixels)).detach().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
