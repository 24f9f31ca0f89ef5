"""The first layer of every sound network: cached samples in, standardised log-mel maps out, inside the exported graph.

A clip becomes short overlapping frames, each frame's power spectrum is summed into bands that are narrow for low tones
and wide for high ones, as hearing is, and the logarithm is taken. The discrete Fourier transform is a product with a
fixed matrix: it runs at the speed of the machine's matrix product, and it is exported as just that.

Source: S. Stevens, J. Volkmann, E. Newman: A scale for the measurement of the psychological magnitude pitch, 1937, in
the formula of D. O'Shaughnessy, Speech Communication, 1987: 2595 log10(1 + f / 700).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int16
from torch import Tensor, nn

from penjing.modalities.audio import Settings

IS_COSTLY = True  # its output is worth keeping in memory
WINDOW_SECONDS = 0.025
HOP_SECONDS = 0.01
BANDS = 40
LOWEST_HZ = 20.0
FULL_SCALE = 32_768
RANGE = 1e-7  # of a clip's loudest value in any band; what is quieter than this share of it is all the same
_SILENCE = 1e-12  # power of the loudest value below which a clip is silent


class FrontEnd(nn.Module):
    """Samples as they lie in the cache → log-mel maps, each band with mean 0 and spread 1 over the training part.

    Powers are taken relative to the loudest one of the clip, so that the volume of a recording plays no part. Frames
    are centred on multiples of the hop; the clip has silence before and after it.

    Args:
        learned: what `learn` gave: `rate_hz`, `window` and `hop` (samples), `bands`, and `mean` and `std` of each band.
    """

    waves: Tensor
    filters: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, learned: Mapping[str, Any]) -> None:
        super().__init__()
        self.window, self.hop = int(learned["window"]), int(learned["hop"])
        size = transform_size(self.window)
        self.register_buffer("waves", torch.from_numpy(windowed_waves(self.window, size)))
        self.register_buffer(
            "filters", torch.from_numpy(mel_filters(int(learned["bands"]), size, int(learned["rate_hz"])))
        )
        self.register_buffer("mean", torch.tensor(learned["mean"], dtype=torch.float32)[:, None])
        self.register_buffer("std", torch.tensor(learned["std"], dtype=torch.float32)[:, None])

    def forward(self, samples: Int16[Tensor, "batch samples"]) -> Float[Tensor, "batch 1 bands frames"]:
        maps = (self.log_mel(samples) - self.mean) / self.std
        return maps[..., None].permute(0, 3, 1, 2)  # channels-last in memory, which is fast

    def log_mel(self, samples: Int16[Tensor, "batch samples"]) -> Float[Tensor, "batch bands frames"]:
        """Before it is standardised: natural logarithms, at most about 0."""
        sounds = F.pad(samples.float() / FULL_SCALE, (self.window // 2, self.window - self.window // 2))
        frames = sounds.unfold(1, self.window, self.hop)
        cosine, sine = (frames @ self.waves).chunk(2, dim=-1)
        powers = (cosine.square() + sine.square()) @ self.filters
        loudest = powers.amax((1, 2), keepdim=True).clamp_min(_SILENCE)
        return (powers / loudest + RANGE).log().transpose(1, 2)


def transform_size(window: int) -> int:
    """Points of the Fourier transform: the power of two that holds a window."""
    return 1 << (window - 1).bit_length()


def windowed_waves(window: int, size: int) -> np.ndarray:
    """Cosines and sines of every frequency, under a Hann window: float32 [window, 2 × frequencies]."""
    place = np.arange(window)
    angle = 2 * np.pi * np.outer(place, np.arange(size // 2 + 1)) / size
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * place / window)
    return (hann[:, None] * np.concatenate([np.cos(angle), np.sin(angle)], axis=1)).astype(np.float32)


def mel_filters(bands: int, size: int, rate_hz: int) -> np.ndarray:
    """Overlapping triangles, equally spaced in mel from `LOWEST_HZ` to half the rate: float32 [frequencies, bands]."""
    hertz = np.linspace(0, rate_hz / 2, size // 2 + 1)
    corners = _hertz(np.linspace(_mel(LOWEST_HZ), _mel(rate_hz / 2), bands + 2))
    rising = (hertz[:, None] - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - hertz[:, None]) / (corners[2:] - corners[1:-1])
    return np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)


def _mel(hertz: float) -> float:
    return 2595 * float(np.log10(1 + hertz / 700))


def _hertz(mel: np.ndarray) -> np.ndarray:
    return 700 * (10 ** (mel / 2595) - 1)


def learn(items: np.ndarray | Iterable[np.ndarray], settings: Settings | None = None) -> dict[str, Any]:
    """How a clip is cut into frames and bands, and the mean and standard deviation of each band.

    Args:
        items: int16 [n, samples] of the training part only; or chunks of such, one after the other.
        settings: how the clips were decoded; their rate is needed.

    Returns:
        JSON: see `FrontEnd`. A band without any variation has std 1.
    """
    rate_hz = (settings or Settings()).rate_hz
    learned = {
        "rate_hz": rate_hz,
        "window": max(4, round(WINDOW_SECONDS * rate_hz)),
        "hop": max(1, round(HOP_SECONDS * rate_hz)),
        "bands": BANDS,
    }
    front_end = FrontEnd({**learned, "mean": [0.0] * BANDS, "std": [1.0] * BANDS})
    count, total, squares = 0, np.zeros(BANDS), np.zeros(BANDS)
    for chunk in _chunks(items):
        with torch.no_grad():
            values = front_end.log_mel(torch.from_numpy(chunk)).numpy().astype(np.float64)
        count += values.shape[0] * values.shape[2]
        total += values.sum((0, 2))
        squares += (values**2).sum((0, 2))
    mean = total / max(1, count)
    std = np.sqrt(np.maximum(squares / max(1, count) - mean**2, 0))
    return {**learned, "mean": mean.tolist(), "std": np.where(std > 1e-3, std, 1.0).tolist()}


def _chunks(items: np.ndarray | Iterable[np.ndarray]) -> Iterable[np.ndarray]:
    """At most a few hundred clips at once: their spectra are many times as large as they are."""
    for part in [items] if isinstance(items, np.ndarray) else items:
        for start in range(0, len(part), 256):
            yield np.ascontiguousarray(part[start : start + 256])
