"""Simple features of pictures for the honest floor: what a linear model or boosted trees get to see.

Small grey pixels say what is where, histograms of edge directions in cells say which way strokes and outlines run,
and colour statistics in a coarse grid say what no grey picture holds.

Source: N. Dalal, B. Triggs: Histograms of oriented gradients for human detection, CVPR 2005. We depart from it in
that cells overlap by triangular weights and are normalised by the mean energy of their 3×3 neighbours once, not
block by block, which keeps one value per cell and direction.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

GRID = 28  # pictures are brought to this side before edges are measured
CELLS = 7  # cells per side
DIRECTIONS = 8  # of edges, over half a turn
PIXELS = 12  # side of the small grey picture
COLOUR_GRID = 4  # colour means and spreads are taken in this many fields per side
_CHUNK_BYTES = 32 * 2**20


def features(items: np.ndarray) -> np.ndarray:
    """Features of decoded pictures: uint8 [n, height, width, channels] → float32 [n, features], about −1 to 1.

    Each item's features depend on that item alone.
    """
    assert items.ndim == 4, "n × height × width × channels"
    return np.concatenate([_features(chunk) for chunk in _chunks(items)])


def _chunks(items: np.ndarray) -> Iterator[np.ndarray]:
    size = max(1, _CHUNK_BYTES // max(1, 4 * int(np.prod(items.shape[1:]))))
    for start in range(0, max(1, len(items)), size):
        yield items[start : start + size].astype(np.float32) / 255.0


def _features(values: np.ndarray) -> np.ndarray:
    """float32 [n, h, w, c] in 0…1 → float32 [n, features]."""
    _, height, width, channels = values.shape
    grey = values[..., 0] if channels == 1 else values @ np.array([0.299, 0.587, 0.114], np.float32)
    small = _resampled(grey, _averaging(height, PIXELS), _averaging(width, PIXELS))
    edges = _edges(_resampled(grey, _averaging(height, GRID), _averaging(width, GRID)))
    parts = [_flat(small) * 2 - 1, _flat(edges)]
    if channels == 3:
        parts.append(_flat(_colours(values)))
    return np.concatenate(parts, axis=1).astype(np.float32)


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), int(np.prod(values.shape[1:])))


def _resampled(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """[n, h, w] → [n, rows, columns] by two weight matrices."""
    return rows @ values @ columns.T


def _averaging(size: int, out: int) -> np.ndarray:
    """Weights [out, size] that average equal stretches, whether they hold several pixels or a part of one."""
    edges = np.linspace(0, size, out + 1)
    pixel = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    weights = np.clip(overlap, 0, None)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _triangles(size: int, cells: int) -> np.ndarray:
    """Weights [cells, size] of overlapping cells: a pixel belongs to the two cells whose centres are nearest."""
    centres = (np.arange(cells) + 0.5) * size / cells
    distance = np.abs(np.arange(size) + 0.5 - centres[:, None]) * cells / size
    return np.clip(1 - distance, 0, None).astype(np.float32)


def _edges(grey: np.ndarray) -> np.ndarray:
    """Histograms of edge directions: [n, GRID, GRID] → [n, DIRECTIONS, CELLS, CELLS]."""
    down, across = np.gradient(grey, axis=(1, 2))
    strength = np.hypot(down, across)
    turn = np.arctan2(down, across) * (DIRECTIONS / np.pi) % DIRECTIONS  # an edge and its reverse are one direction
    weights = _triangles(GRID, CELLS)
    histogram = np.empty((len(grey), DIRECTIONS, CELLS, CELLS), np.float32)
    for direction in range(DIRECTIONS):
        away = np.abs(turn - direction)
        near = np.clip(1 - np.minimum(away, DIRECTIONS - away), 0, None)
        histogram[:, direction] = _resampled(strength * near, weights, weights)
    energy = (histogram**2).sum(axis=1)
    padded = np.pad(energy, ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = sum(padded[:, i : i + CELLS, j : j + CELLS] for i in range(3) for j in range(3))
    return histogram / np.sqrt(around / 9 + 0.05)[:, None]


def _colours(values: np.ndarray) -> np.ndarray:
    """Mean and spread of each colour in a coarse grid: [n, h, w, 3] → [n, 2, 3, COLOUR_GRID, COLOUR_GRID]."""
    rows, columns = _averaging(values.shape[1], COLOUR_GRID), _averaging(values.shape[2], COLOUR_GRID)
    planes = np.moveaxis(values, -1, 1)
    mean = rows @ planes @ columns.T
    spread = np.sqrt(np.clip(rows @ planes**2 @ columns.T - mean**2, 0, None))
    return np.stack([mean * 2 - 1, spread * 2], axis=1)
