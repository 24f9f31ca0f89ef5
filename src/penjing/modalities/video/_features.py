"""Simple features of videos for the honest floor: what a linear model or boosted trees get to see.

Small grey frames say what is where and their differences say what changes. What stands out from the clip's usual
brightness is followed from frame to frame: which way it goes, how it turns, whether it grows. Directions of local
motion (brightness that changes along with its own slope) say which way textures go.

Source of the local motion: B. Lucas, T. Kanade: An iterative image registration technique, IJCAI 1981; here the
products are only summed, over the whole frame and for each step in time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

GRID = 8  # side of the small frames
MOTION_SIDE = 32  # frames are brought to this side before motion is measured
_CHUNK_BYTES = 32 * 2**20
_LITTLE = 1e-4


def features(items: np.ndarray) -> np.ndarray:
    """Features of decoded videos: uint8 [n, frames, height, width, channels] → float32 [n, features].

    Each item's features depend on that item alone.
    """
    assert items.ndim == 5, "n × frames × height × width × channels"
    return np.concatenate([_features(chunk) for chunk in _chunks(items)])


def _chunks(items: np.ndarray) -> Iterator[np.ndarray]:
    size = max(1, _CHUNK_BYTES // max(1, 4 * int(np.prod(items.shape[1:]))))
    for start in range(0, max(1, len(items)), size):
        yield items[start : start + size].astype(np.float32) / 255.0


def _features(values: np.ndarray) -> np.ndarray:
    """float32 [n, t, h, w, c] in 0…1 → float32 [n, features]."""
    grey = values.mean(axis=-1)
    small = _shrunk(grey, GRID)
    frames = _shrunk(grey, MOTION_SIDE)
    parts = [small * 2 - 1, 2 * np.diff(small, axis=1), _followed(frames), _flow(frames), values.mean(axis=(2, 3))]
    return np.concatenate([part.reshape(len(values), -1) for part in parts], axis=1).astype(np.float32)


def _shrunk(grey: np.ndarray, side: int) -> np.ndarray:
    """[n, t, h, w] → [n, t, side, side] by averages of equal stretches."""
    rows, columns = _averaging(grey.shape[2], side), _averaging(grey.shape[3], side)
    return np.asarray(rows @ grey @ columns.T)


def _averaging(size: int, out: int) -> np.ndarray:
    """Weights [out, size] that average equal stretches, whether they hold several pixels or a part of one."""
    edges = np.linspace(0, size, out + 1)
    pixel = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    weights = np.clip(overlap, 0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _followed(grey: np.ndarray) -> np.ndarray:
    """How what stands out moves and grows: [n, t, s, s].

    Its place along a side is the phase of one wave over that side, so leaving at one rim and entering at the other
    is a step like any other; the wave's strength tells how narrow it is. Of each step in time: how far across and
    down, how much narrower; of each two steps: their turn, positive clockwise as seen; and the means of these.
    """
    ground = np.median(grey.reshape(len(grey), -1), axis=1)[:, None, None, None]
    weight = (grey - ground) ** 2 + _LITTLE / grey[0, 0].size
    wave = np.exp(2j * np.pi * (np.arange(grey.shape[-1]) + 0.5) / grey.shape[-1])
    moments = [weight.sum(axis=axis) @ wave / weight.sum(axis=(2, 3)) for axis in (2, 3)]
    across, down = (4 * np.angle(moment[:, 1:] * moment[:, :-1].conj()) for moment in moments)
    narrower = [4 * np.diff(np.abs(moment)) for moment in moments]
    turns = across[:, :-1] * down[:, 1:] - down[:, :-1] * across[:, 1:]
    means = [part.mean(axis=1, keepdims=True) if part.shape[1] else part for part in (across, down, turns)]
    return np.concatenate([across, down, *narrower, turns, *means], axis=1)


def _flow(grey: np.ndarray) -> np.ndarray:
    """How brightness moves across, down and outwards in each step: [n, t, s, s] → [n, 3 (t − 1)], about −1 to 1."""
    middle = (grey[:, 1:] + grey[:, :-1]) / 2
    change = np.diff(grey, axis=1)
    down, across = np.gradient(middle, axis=(2, 3))
    place = np.linspace(-1, 1, grey.shape[-1], dtype=np.float32)
    outward = across * place + down * place[:, None]
    moved = [-(change * slope).sum(axis=(2, 3)) for slope in (across, down, outward)]
    energy = [(slope**2).sum(axis=(2, 3)) + _LITTLE for slope in (across, down, outward)]
    return np.stack([np.clip(one / of, -4, 4) / 4 for one, of in zip(moved, energy, strict=True)], axis=1)
