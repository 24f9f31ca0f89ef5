"""Samples become log-mel maps, by the same numbers as a transform written down in NumPy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from penjing.modalities import audio
from penjing.modalities.audio import Settings, front_end
from penjing.modalities.audio.front_end import FrontEnd, learn


def clips(count: int = 6, samples: int = 4_000, seed: int = 0) -> np.ndarray:
    """Tones in noise, of many volumes."""
    draw = np.random.default_rng(seed)
    time = np.arange(samples) / 8_000
    tones = np.sin(2 * np.pi * draw.uniform(100, 3_000, (count, 1)) * time) * np.exp(-3 * time)
    values = (tones + 0.01 * draw.normal(size=(count, samples))) * draw.uniform(100, 20_000, (count, 1))
    return np.rint(values).astype(np.int16)


def reference(clip: np.ndarray, learned: dict[str, Any]) -> np.ndarray:
    """Log-mel by numpy.fft in double precision, frame by frame: [bands, frames]."""
    window, hop, rate = learned["window"], learned["hop"], learned["rate_hz"]
    size = 2 ** int(np.ceil(np.log2(window)))
    sound = np.pad(clip / 32_768, (window // 2, window - window // 2))
    hann = np.hanning(window + 1)[:-1]
    starts = range(0, len(sound) - window + 1, hop)
    power = np.stack([np.abs(np.fft.rfft(sound[start : start + window] * hann, size)) ** 2 for start in starts])
    hertz = np.arange(size // 2 + 1) * rate / size
    lowest, highest = (2595 * np.log10(1 + edge / 700) for edge in (front_end.LOWEST_HZ, rate / 2))
    corners = 700 * (10 ** (np.linspace(lowest, highest, learned["bands"] + 2) / 2595) - 1)
    filters = np.stack([np.interp(hertz, corners[band : band + 3], [0, 1, 0]) for band in range(learned["bands"])])
    mel = power @ filters.T
    return np.log(mel / mel.max() + front_end.RANGE).T


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 11_025])
def test_maps_equal_a_transform_in_numpy(rate_hz: int) -> None:
    items = clips()
    learned = learn(items, Settings(rate_hz))
    found = FrontEnd(learned).log_mel(torch.from_numpy(items)).numpy()
    for clip, maps in zip(items, found, strict=True):
        np.testing.assert_allclose(maps, reference(clip, learned), atol=1e-3)
        strong = maps > -10  # where rounding to float32 is not magnified by the logarithm
        np.testing.assert_allclose(maps[strong], reference(clip, learned)[strong], atol=1e-4)


def test_shape_is_what_the_modality_says() -> None:
    for samples in (3, 160, 5_601):
        items = clips(samples=samples)
        learned = learn(items, Settings(8_000))
        found = FrontEnd(learned)(torch.from_numpy(items))
        assert tuple(found.shape[1:]) == audio.shape(learned, (samples,))
        assert torch.isfinite(found).all()


def test_bands_are_standardised_over_the_training_part() -> None:
    items = clips(count=40)
    maps = FrontEnd(learn(items, Settings(8_000)))(torch.from_numpy(items))
    torch.testing.assert_close(maps.mean((0, 1, 3)), torch.zeros(front_end.BANDS), atol=1e-3, rtol=0)
    torch.testing.assert_close(maps.std((0, 1, 3)), torch.ones(front_end.BANDS), atol=1e-2, rtol=0)


def test_chunks_and_order_do_not_change_what_is_learned() -> None:
    items = clips(count=30)
    whole, parts = learn(items, Settings(8_000)), learn(iter([items[20:], items[:20]]), Settings(8_000))
    np.testing.assert_allclose(parts["mean"], whole["mean"], rtol=1e-6)
    np.testing.assert_allclose(parts["std"], whole["std"], rtol=1e-6)
    assert json.loads(json.dumps(whole)) == whole


def test_the_volume_of_a_recording_plays_no_part() -> None:
    quiet = clips()
    quiet = (quiet // 8).astype(np.int16)
    front = FrontEnd(learn(quiet, Settings(8_000)))
    torch.testing.assert_close(front(torch.from_numpy(quiet * np.int16(8))), front(torch.from_numpy(quiet)))


def test_silence_gives_finite_maps_and_can_be_learned_from() -> None:
    silence = np.zeros((2, 4_000), np.int16)
    assert torch.isfinite(FrontEnd(learn(silence, Settings(8_000)))(torch.from_numpy(silence))).all()


def test_an_item_does_not_depend_on_the_others() -> None:
    items = torch.from_numpy(clips())
    front = FrontEnd(learn(clips(), Settings(8_000)))
    torch.testing.assert_close(front(items)[2:3], front(items[2:3]), atol=1e-5, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the exporter's own, about its own code
def test_exported_it_gives_the_same(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    items = clips()
    front = FrontEnd(learn(items, Settings(8_000)))
    path = tmp_path / "front_end.onnx"
    dynamic = ({0: torch.export.Dim("batch")},)
    torch.onnx.export(front, (torch.from_numpy(items[:2]),), path, dynamo=True, dynamic_shapes=dynamic, verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: items})
    np.testing.assert_allclose(found, front(torch.from_numpy(items)).numpy(), atol=1e-3)
