"""What every network promises, whatever it takes: it learns all over, saves, exports, and keeps items apart."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from penjing.core import plugins
from penjing.core.finding import Finding
from penjing.core.recipe import Choice, Recipe
from penjing.modalities.image.front_end import FrontEnd, learn

NAMES = [name for name in plugins.names("models") if name != "own"]  # which is given, not built
CLASSES = 4
# What a network may take → shapes it must be built for, the usual one first.
SHAPES: dict[str, list[tuple[int, ...]]] = {
    "maps": [(3, 28, 28), *((channels, side, side) for channels in (1, 3) for side in (8, 28, 32, 64)), (1, 40, 101)],
    "tokens": [(24, 300), (8, 40), (1, 3), (100, 20_000)],
    "vector": [(20,), (200,), (1,)],
    "frames": [(6, 3, 24, 24), (4, 1, 16, 16), (12, 1, 32, 32)],
}


def takes(name: str) -> tuple[str, ...]:
    return plugins.load("models", name).TAKES


def usual(kind: str) -> tuple[int, ...]:
    return SHAPES[kind][0]


PAIRS = [(name, kind) for name in NAMES for kind in takes(name)]
MAPS = [name for name, kind in PAIRS if kind == "maps"]


def built(name: str, shape: tuple[int, ...], dial: float = 0.25, **changed: Any) -> Any:
    torch.manual_seed(0)
    module = plugins.load("models", name)
    return module.build(shape, dataclasses.replace(module.sized(dial, shape), **changed))


def without_dropout(name: str) -> dict[str, float]:
    fields = dataclasses.fields(plugins.load("models", name).Settings)
    return {field.name: 0.0 for field in fields if "dropout" in field.name}


def items(kind: str, shape: tuple[int, ...], count: int = 5, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    if kind != "tokens":
        return torch.randn(count, *shape, generator=generator)
    length, vocabulary = shape
    tokens = torch.randint(1, vocabulary, (count, length), generator=generator)
    ends = torch.randint(1, length + 1, (count, 1), generator=generator)
    return tokens * (torch.arange(length) < ends)  # 0 is padding, and stands at the end


def with_head(encoder: Any) -> nn.Sequential:
    return nn.Sequential(encoder, nn.Linear(encoder.features, CLASSES))


def settled(name: str, kind: str, shape: tuple[int, ...]) -> nn.Sequential:
    """A network whose running statistics have seen something, in evaluation mode."""
    network = with_head(built(name, shape))
    for seed in range(3):
        network(items(kind, shape, seed=seed))
    return network.eval()


def test_all_models_are_found_and_say_what_they_take() -> None:
    assert set(NAMES) >= {"bag", "cnn", "image_example", "mlp", "text_cnn", "text_example", "transformer"}
    for name in NAMES:
        assert takes(name)
        assert set(takes(name)) <= set(SHAPES), name


@pytest.mark.parametrize(
    ("name", "kind", "shape"), [(name, kind, shape) for name, kind in PAIRS for shape in SHAPES[kind]]
)
def test_it_takes_any_shape_and_any_batch(name: str, kind: str, shape: tuple[int, ...]) -> None:
    network = built(name, shape)
    for count in (1, 2, 5):
        found = network(items(kind, shape, count))
        assert found.shape == (count, network.features)
        assert torch.isfinite(found).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", MAPS)
def test_it_takes_large_pictures(name: str) -> None:
    network = built(name, (3, 224, 224))
    assert network(items("maps", (3, 224, 224), 2)).shape == (2, network.features)


@pytest.mark.parametrize("name", [name for name, kind in PAIRS if kind == "tokens"])
def test_an_item_without_a_token_is_survived(name: str) -> None:
    shape = usual("tokens")
    batch = items("tokens", shape)
    batch[2] = 0
    network = built(name, shape)
    for mode in (True, False):
        assert torch.isfinite(network.train(mode)(batch)).all()


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_every_parameter_gets_a_gradient(name: str, kind: str) -> None:
    network = with_head(built(name, usual(kind)))
    target = torch.arange(16) % CLASSES
    nn.functional.cross_entropy(network(items(kind, usual(kind), 16)), target).backward()
    for key, parameter in network.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, key
            assert parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_what_is_not_learned_by_gradient_is_taken_from_the_data(name: str, kind: str) -> None:
    network = built(name, usual(kind))
    fixed = {key: weight.clone() for key, weight in network.named_parameters() if not weight.requires_grad}
    if fixed:
        network.learn(items(kind, usual(kind), 16))
    now = dict(network.named_parameters())
    assert not [key for key, before in fixed.items() if torch.equal(before, now[key])]


@pytest.mark.parametrize(
    ("name", "kind", "shape"), [(name, kind, shape) for name, kind in PAIRS for shape in SHAPES[kind][:2]]
)
def test_one_batch_is_memorised(name: str, kind: str, shape: tuple[int, ...]) -> None:
    batch, target = items(kind, shape, 16), torch.arange(16) % CLASSES
    network = with_head(built(name, shape, **without_dropout(name)))
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(100):
        loss = nn.functional.cross_entropy(network(batch), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (network(batch).argmax(1) == target).all()


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_saved_and_loaded_it_gives_the_same_bits(name: str, kind: str, tmp_path: Path) -> None:
    shape = usual(kind)
    network = settled(name, kind, shape)
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    other = with_head(built(name, shape)).eval()
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    assert torch.equal(other(items(kind, shape)), network(items(kind, shape)))


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_every_weight_is_drawn_anew_by_its_own_layer(name: str, kind: str) -> None:
    network = built(name, usual(kind))
    drawable = {
        f"{path}.{key}" if path else key
        for path, module in network.named_modules()
        if callable(getattr(module, "reset_parameters", None))
        for key, _ in module.named_parameters()
    }
    assert drawable >= {key for key, _ in network.named_parameters()}


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_the_dial_changes_the_size(name: str, kind: str) -> None:
    sizes = [
        sum(weight.numel() for weight in built(name, usual(kind), dial).parameters()) for dial in (0.25, 0.5, 1, 2, 4)
    ]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 4 * sizes[0]
    # A linear head on a vector cannot be smaller; what learns something of its own grows at every step.
    assert len(set(sizes)) == (3 if name == "probe" else 5)


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_halved_again_and_again_it_still_answers(name: str, kind: str) -> None:
    defaults = plugins.find("models", name).defaults
    smaller, finding = plugins.load("remedies", "smaller_network"), Finding("overfit", "warning", "…")
    starts = [defaults["width"], 3 * defaults["width"] // 4] if defaults.get("width") else []
    for width in starts:
        recipe = Recipe(model=Choice(name, {"width": width})).filled()
        while isinstance(halved := smaller.apply(recipe, finding), Recipe):
            recipe = halved
            encoder = built(name, usual(kind), width=recipe.model.settings["width"])
            assert encoder(items(kind, usual(kind))).shape == (5, encoder.features)


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_the_standard_dial_gives_the_default_settings(name: str, kind: str) -> None:
    module = plugins.load("models", name)
    assert module.sized(1.0, usual(kind)) == module.Settings()


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_a_prediction_does_not_depend_on_the_other_items(name: str, kind: str) -> None:
    network = settled(name, kind, usual(kind))
    batch = items(kind, usual(kind), 5)
    alone = torch.cat([network(item[None]) for item in batch])
    torch.testing.assert_close(network(batch), alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", MAPS)
def test_the_memory_layout_does_not_change_the_result(name: str) -> None:
    shape = usual("maps")
    images = items("maps", shape)
    network = settled(name, "maps", shape)
    expected = network(images)
    found = network.to(memory_format=torch.channels_last)(images.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def exported(network: nn.Module, values: Tensor, path: Path) -> np.ndarray:
    """What ONNX Runtime answers on all values when the network was exported from the first two."""
    onnxruntime = pytest.importorskip("onnxruntime")
    dynamic = ({0: torch.export.Dim("batch")},)
    torch.onnx.export(network, (values[:2],), path, dynamo=True, dynamic_shapes=dynamic, verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: values.numpy()})
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the exporter's own, about its own code
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", MAPS)
def test_exported_from_pixels_on_it_gives_the_same(name: str, channels: int, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28, channels), dtype=np.uint8)
    network = nn.Sequential(FrontEnd(learn(pixels)), settled(name, "maps", (channels, 28, 28))).eval()
    found = exported(network, torch.from_numpy(pixels), tmp_path / "model.onnx")
    np.testing.assert_allclose(found, network(torch.from_numpy(pixels)).detach().numpy(), atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the exporter's own, about its own code
@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, kind in PAIRS if kind != "maps"])
def test_exported_it_gives_the_same(name: str, kind: str, tmp_path: Path) -> None:
    values = items(kind, usual(kind))
    network = settled(name, kind, usual(kind))
    found = exported(network, values, tmp_path / "model.onnx")
    np.testing.assert_allclose(found, network(values).detach().numpy(), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_on_another_device_it_meets_no_tensor_of_the_processor(name: str, kind: str) -> None:
    """The device "meta" computes shapes only, and refuses tensors of other devices as a GPU does."""
    network = with_head(built(name, usual(kind))).to("meta")
    found = network.train()(items(kind, usual(kind)).to("meta"))
    found.sum().backward()
    assert found.device.type == "meta"
    assert all(weight.grad is None or weight.grad.device.type == "meta" for weight in network.parameters())
