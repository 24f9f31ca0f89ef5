"""The speech example fails as published and learns when mended; the other sound networks learn from maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from penjing.core.errors import UsageError
from penjing.modalities.audio import Settings as Clips
from penjing.modalities.audio.front_end import FrontEnd, learn
from penjing.models import speech_example, speech_recurrent

CLASSES = 4
RATE_HZ = 8_000


def tones(count: int, seed: int, seconds: float = 0.15) -> tuple[np.ndarray, Tensor]:
    """Clips with one of four tones in noise, of any phase and volume, and which tone it is."""
    draw = np.random.default_rng(seed)
    target = np.arange(count) % CLASSES
    time = np.arange(round(RATE_HZ * seconds)) / RATE_HZ
    hertz = np.array([300, 600, 1_200, 2_400])[target][:, None]
    values = np.sin(2 * np.pi * (hertz * time + draw.random((count, 1)))) + 0.3 * draw.normal(size=(count, len(time)))
    scaled = values * draw.uniform(1_000, 8_000, (count, 1))
    return np.rint(scaled).astype(np.int16), torch.from_numpy(target)


def accuracy_after(encoder: Any, train: Tensor, target: Tensor, valid: Tensor, truth: Tensor, steps: int) -> float:
    torch.manual_seed(0)
    network = nn.Sequential(encoder, nn.Linear(encoder.features, CLASSES))
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for step in range(steps):
        rows = torch.arange(32 * step, 32 * step + 32) % len(train)
        loss = nn.functional.cross_entropy(network(train[rows]), target[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return float((network(valid).argmax(1) == truth).float().mean())


def maps_of_tones() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    (train, target), (valid, truth) = tones(128, seed=1), tones(64, seed=2)
    front_end = FrontEnd(learn(train, Clips(RATE_HZ)))
    with torch.no_grad():
        return front_end(torch.from_numpy(train)), target, front_end(torch.from_numpy(valid)), truth


def test_as_published_it_takes_one_item_and_no_batch() -> None:
    published = speech_example.build((2_700,), speech_example.Settings(reads="values", state="item"))
    assert published(torch.zeros(1, 2_700)).shape == (1, 50)
    with pytest.raises(RuntimeError, match="Expected hidden size"):
        published(torch.zeros(3, 2_700))


def test_with_its_first_fault_mended_it_takes_a_batch_of_samples_but_stays_near_chance() -> None:
    (train, target), (valid, truth) = tones(128, 1, 0.05), tones(64, 2, 0.05)
    torch.manual_seed(0)
    network = speech_example.build(train.shape[1:], speech_example.Settings(reads="values"))
    samples = [torch.from_numpy(part).float() / 32_768 for part in (train, valid)]
    assert accuracy_after(network, samples[0], target, samples[1], truth, steps=20) < 0.5


@pytest.mark.parametrize("kind", ["example", "gru", "lstm"])
def test_on_frames_it_learns(kind: str) -> None:
    train, target, valid, truth = maps_of_tones()
    shape = (1, train.shape[2], train.shape[3])
    torch.manual_seed(0)
    if kind == "example":
        network: nn.Module = speech_example.build(shape, speech_example.Settings())
    else:
        network = speech_recurrent.build(shape, speech_recurrent.Settings(kind=kind, width=16))
    assert accuracy_after(network, train, target, valid, truth, steps=40) > 0.9


def test_the_plain_layer_computes_the_published_formula() -> None:
    """h ← tanh(W x + b + U h + c), the last h is the answer."""
    network = speech_example.build((1, 5, 7), speech_example.Settings(width=3))
    maps = torch.randn(2, 1, 5, 7, generator=torch.Generator().manual_seed(0))
    layer: Any = network.recurrent
    state = torch.zeros(2, 3)
    for frame in range(7):
        given = maps[:, 0, :, frame] @ layer.weight_ih_l0.T + layer.bias_ih_l0
        state = torch.tanh(given + state @ layer.weight_hh_l0.T + layer.bias_hh_l0)
    torch.testing.assert_close(network(maps), state)


def test_reading_values_goes_through_each_frame_in_turn() -> None:
    network = speech_example.build((1, 5, 7), speech_example.Settings(width=3, reads="values"))
    maps = torch.randn(2, 1, 5, 7, generator=torch.Generator().manual_seed(0))
    samples = torch.stack([maps[:, 0, band, frame] for frame in range(7) for band in range(5)], dim=1)
    torch.testing.assert_close(network(maps), network(samples))


def test_with_equal_weights_in_both_directions_turning_time_around_swaps_them() -> None:
    network = speech_recurrent.build((1, 5, 7), speech_recurrent.Settings(width=4)).eval()
    layer: Any = network.recurrent
    with torch.no_grad():
        for name, weight in layer.named_parameters():
            if not name.endswith("_reverse"):
                getattr(layer, f"{name}_reverse").copy_(weight)
        maps = torch.randn(2, 1, 5, 7, generator=torch.Generator().manual_seed(0))
        found, turned = network(maps).view(2, 4, 4), network(maps.flip(3)).view(2, 4, 4)
    torch.testing.assert_close(turned, found[:, [1, 0, 3, 2]])
    assert not torch.allclose(found[:, 0], found[:, 1])


@pytest.mark.parametrize(
    ("module", "wish", "said"),
    [
        (speech_recurrent, {"kind": "rnn"}, 'kind is "gru" or "lstm", not "rnn"'),
        (speech_example, {"reads": "samples"}, 'reads is "frames" or "values", not "samples"'),
        (speech_example, {"state": "none"}, 'state is "batch" or "item", not "none"'),
    ],
)
def test_unknown_words_are_refused(module: Any, wish: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as problem:
        module.build((1, 8, 8), module.Settings(**wish))
    assert str(problem.value) == said
