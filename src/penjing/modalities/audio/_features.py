"""Simple features of sounds for the honest floor: statistics of mel-frequency cepstral coefficients.

The coefficients say what the spectrum is shaped like in each short frame; their means, spreads and changes over the
whole clip and over its thirds are what a linear model or boosted trees get to see.

Source: S. Davis, P. Mermelstein: Comparison of parametric representations for monosyllabic word recognition in
continuously spoken sentences, 1980. We depart from it in that the first coefficient (the level) is taken relative to
the clip's own loudest frame, so that a recording's volume is no feature, and in that the scale is relative to the
clip's rate, which these features are not told.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

WINDOW = 256  # samples in a frame: 32 ms at 8 kHz, 16 ms at 16 kHz
HOP = 128
BANDS = 32
COEFFICIENTS = 20
PARTS = 3  # stretches of the sounding part, each with statistics of its own
LOUD_ENOUGH = 1e-4  # frames with less than this share of the loudest frame's energy count as silence
_KNEE = 0.09  # share of the highest frequency up to which bands are about equally wide: 700 Hz of 8 kHz
_FLOOR = 1e-6  # of the loudest frame's band energy; what is quieter is all the same
_CHUNK_BYTES = 64 * 2**20


def features(items: np.ndarray) -> np.ndarray:
    """Features of decoded sounds: int16 [n, samples] → float32 [n, features].

    Each item's features depend on that item alone.
    """
    assert items.ndim == 2, "n × samples"
    return np.concatenate([_features(chunk) for chunk in _chunks(items)])


def _chunks(items: np.ndarray) -> Iterator[np.ndarray]:
    size = max(1, _CHUNK_BYTES // max(1, 16 * items.shape[1]))
    for start in range(0, max(1, len(items)), size):
        yield items[start : start + size]


def _features(clips: np.ndarray) -> np.ndarray:
    """int16 [n, samples] → float32 [n, features]."""
    bands = _band_energies(clips.astype(np.float32) / 32_768)
    loudness = bands.sum(axis=2)
    peak = np.maximum(loudness.max(axis=1), 1e-20)[:, None]
    cepstrum = np.log(bands / peak[:, :, None] + _FLOOR) @ _cosines().T
    sounding = loudness > LOUD_ENOUGH * peak
    found = [_statistics(item, here) for item, here in zip(cepstrum, sounding, strict=True)]
    width = 3 * COEFFICIENTS + PARTS * COEFFICIENTS + 1
    return np.stack(found).astype(np.float32) if found else np.zeros((0, width), np.float32)


def _statistics(cepstrum: np.ndarray, sounding: np.ndarray) -> np.ndarray:
    """Of the frames from the first to the last that sounds: [frames, coefficients] → [features]."""
    places = np.flatnonzero(sounding)
    inner = cepstrum[places[0] : places[-1] + 1] if len(places) else cepstrum
    change = np.diff(inner, axis=0) if len(inner) > 1 else np.zeros_like(inner)
    edges = np.linspace(0, len(inner), PARTS + 1)
    parts = [inner[int(start) : max(int(start) + 1, int(end))].mean(axis=0) for start, end in pairwise(edges)]
    share = [len(inner) / len(cepstrum)]
    return np.concatenate([inner.mean(axis=0), inner.std(axis=0), change.std(axis=0), *parts, share])


def _band_energies(sounds: np.ndarray) -> np.ndarray:
    """float32 [n, samples] → energies [n, frames, BANDS]."""
    count = 1 + max(0, -(-(sounds.shape[1] - WINDOW) // HOP))
    padded = np.pad(sounds, ((0, 0), (0, (count - 1) * HOP + WINDOW - sounds.shape[1])))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=1)[:, ::HOP]
    spectrum = np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=2)
    return (np.abs(spectrum) ** 2).astype(np.float32) @ _triangles().T


def _triangles() -> np.ndarray:
    """Overlapping triangles [BANDS, frequencies], equally spaced on a scale that is straight, then logarithmic."""
    scale = np.log1p(np.linspace(0, 1, WINDOW // 2 + 1) / _KNEE)
    corners = np.linspace(0, scale[-1], BANDS + 2)
    rising = (scale - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    falling = (corners[2:, None] - scale) / (corners[2:] - corners[1:-1])[:, None]
    return np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)


def _cosines() -> np.ndarray:
    """The first rows of the orthonormal discrete cosine transform: [COEFFICIENTS, BANDS]."""
    order = np.arange(COEFFICIENTS)[:, None]
    rows = np.cos(np.pi * order * (np.arange(BANDS) + 0.5) / BANDS) * np.sqrt(2 / BANDS)
    rows[0] /= np.sqrt(2)
    return rows.astype(np.float32)
