"""How alike two thumbnails are once one is laid over the other: the judge of near duplicates.

A copy that was cropped, resized, recompressed or made brighter is the same picture after a small shift, a small
zoom and a change of gain. So the one thumbnail is fitted to the other over exactly those freedoms, and what the fit
leaves over is the misfit: 0 for a perfect copy, 1 for nothing in common.

Source: least-squares image alignment, Lucas and Kanade (1981), in the inverse order of a template fit with gain and
offset; departures: zoom instead of affine, a fixed small number of rounds, and both directions tried, because a
crop can be cut out of the whole picture but the whole picture cannot be made from a crop.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

THUMBNAIL_SIDE = 32
SIDE = 16
ROUNDS = 2
# Pixels near the edge come from outside the other picture once that is shifted.
MARGIN = 1
# A copy is at most this much shifted (in pixels), zoomed and changed in gain.
MOST_SHIFT, MOST_ZOOM, LEAST_GAIN, MOST_GAIN = 2.0, 0.2, 0.4, 2.5
PAIRS_AT_ONCE = 1024

_BINOMIAL = np.array([1, 8, 28, 56, 70, 56, 28, 8, 1], np.float32) / 256
_FROM_CENTRE = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2


@runtime_checkable
class Thumbnails(Protocol):
    """Grey thumbnails in order: an array of them, or what reads them from the disk when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> np.ndarray:
        """uint8 [picked, 32, 32]: those at an array of row numbers, or of a slice."""
        ...


def _smoothing() -> Float[np.ndarray, "side thumbnail_side"]:
    """The matrix that smooths one axis and halves it, the outermost pixel repeated beyond the edge."""
    pixels = np.arange(THUMBNAIL_SIDE)
    matrix = np.zeros((THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.float32)
    for offset, weight in zip(range(-4, 5), _BINOMIAL, strict=True):
        np.add.at(matrix, (pixels, np.clip(pixels + offset, 0, THUMBNAIL_SIDE - 1)), weight)
    return matrix.reshape(SIDE, 2, THUMBNAIL_SIDE).mean(axis=1)


_SMOOTHING = _smoothing()


def smooth(thumbnails: UInt8[np.ndarray, "n thumbnail_side thumbnail_side"]) -> Float[np.ndarray, "n side side"]:
    """The same pictures smaller, without the detail that recompressing and resizing change first."""
    return _SMOOTHING @ without_bars(thumbnails) @ _SMOOTHING.T


def without_bars(
    thumbnails: UInt8[np.ndarray, "n thumbnail_side thumbnail_side"],
) -> Float[np.ndarray, "n thumbnail_side thumbnail_side"]:
    """The same thumbnails with what stands between letterbox bars stretched over the whole square.

    Bars stay where they are when the picture between them is cropped, so no shift or zoom could lay one over the other.
    One colour along one pair of opposite edges only, equally wide, is a bar; a digit on black has black on all sides.
    """
    pictures = thumbnails.astype(np.float32)
    rows, columns = _bars(np.ptp(thumbnails, axis=2) > 0), _bars(np.ptp(thumbnails, axis=1) > 0)
    for bars, others, axis in ((rows, columns, 1), (columns, rows, 2)):
        barred = np.flatnonzero((bars[0] > 0) & (np.abs(bars[0] - bars[1]) <= 1) & (others == 0).all(axis=0))
        if len(barred):
            # One pixel more: the last one may be half a bar.
            start, end = bars[0, barred] + 1, THUMBNAIL_SIDE - bars[1, barred] - 1
            steps = (np.arange(THUMBNAIL_SIDE) + 0.5) / THUMBNAIL_SIDE
            places = start[:, None] + steps * (end - start)[:, None] - 0.5
            weights = np.clip(1 - np.abs(places[:, :, None] - np.arange(THUMBNAIL_SIDE)), 0, 1).astype(np.float32)
            inside = pictures[barred]
            pictures[barred] = weights @ inside if axis == 1 else inside @ weights.transpose(0, 2, 1)
    return pictures


def _bars(is_used: Bool[np.ndarray, "n thumbnail_side"]) -> Int[np.ndarray, "2 n"]:
    """How many lines are of one colour at either end; none where fewer than half the lines would be left."""
    bars = np.stack([is_used.argmax(axis=1), is_used[:, ::-1].argmax(axis=1)])
    return np.where(is_used.any(axis=1) & (bars.sum(axis=0) <= THUMBNAIL_SIDE // 2), bars, 0)


def misfit(
    first: UInt8[np.ndarray, "pairs thumbnail_side thumbnail_side"],
    second: UInt8[np.ndarray, "pairs thumbnail_side thumbnail_side"],
    rounds: int = ROUNDS,
) -> Float[np.ndarray, " pairs"]:
    """What remains between two thumbnails after the best small shift, zoom and gain, as a share of the variance.

    Args:
        first, second: grey thumbnails, pair by pair.
        rounds: how many times the shift and zoom are improved.

    Returns:
        0 (the same picture) to 1 (nothing in common) for every pair, the better of the two directions.
    """
    values = np.ones(len(first), np.float32)
    for start in range(0, len(first), PAIRS_AT_ONCE):
        chunk = slice(start, start + PAIRS_AT_ONCE)
        one, other = smooth(first[chunk]), smooth(second[chunk])
        values[chunk] = np.minimum(_fit(one, other, rounds), _fit(other, one, rounds))
    return values


def _fit(
    moving: Float[np.ndarray, "pairs side side"], still: Float[np.ndarray, "pairs side side"], rounds: int
) -> Float[np.ndarray, " pairs"]:
    """The least misfit over the rounds when `moving` is fitted to `still`."""
    inside = slice(MARGIN, SIDE - MARGIN)
    goal = still[:, inside, inside].reshape(len(still), -1)
    spread = np.square(goal - goal.mean(axis=1, keepdims=True)).sum(axis=1) + 1e-6
    place = np.zeros((len(moving), 4), np.float32)  # shift x, shift y, zoom x, zoom y
    best = np.ones(len(moving), np.float32)
    for _ in range(rounds):
        warped = _warp(moving, place)
        terms = _terms(warped)[:, :, inside, inside].reshape(len(moving), 6, -1)
        squares = terms @ terms.transpose(0, 2, 1) + 1e-2 * np.eye(6, dtype=np.float32)
        weights = np.linalg.solve(squares, terms @ goal[:, :, None])
        rest = goal - (weights.transpose(0, 2, 1) @ terms)[:, 0]
        gain = weights[:, 0, 0]
        found = np.square(rest).sum(axis=1) / spread
        place += weights[:, 2:, 0] / np.where(np.abs(gain) < 1e-3, 1e-3, gain)[:, None]
        allowed = (gain > LEAST_GAIN) & (gain < MOST_GAIN)
        allowed &= (np.abs(place[:, :2]) < MOST_SHIFT).all(axis=1) & (np.abs(place[:, 2:]) < MOST_ZOOM).all(axis=1)
        best = np.where(allowed, np.minimum(best, found), best)
        place = np.where(allowed[:, None], place, 0).astype(np.float32)
    return best


def _terms(warped: Float[np.ndarray, "pairs side side"]) -> Float[np.ndarray, "pairs 6 side side"]:
    """What may be added up to fit: the picture, a constant, and its change under shift and zoom along x and y."""
    down, right = np.gradient(warped, axis=(1, 2))
    terms = (warped, np.ones_like(warped), right, down, right * _FROM_CENTRE, down * _FROM_CENTRE[:, None])
    return np.stack(terms, axis=1)


def _warp(
    pictures: Float[np.ndarray, "pairs side side"], place: Float[np.ndarray, "pairs 4"]
) -> Float[np.ndarray, "pairs side side"]:
    """Every picture shifted and zoomed by its own amounts, linearly interpolated."""
    if not place.any():
        return pictures
    along_x = _interpolation(place[:, 0], place[:, 2])
    along_y = _interpolation(place[:, 1], place[:, 3])
    return along_y @ pictures @ along_x.transpose(0, 2, 1)


def _interpolation(
    shift: Float[np.ndarray, " pairs"], zoom: Float[np.ndarray, " pairs"]
) -> Float[np.ndarray, "pairs side side"]:
    """For every pair the matrix that reads one axis at its shifted and zoomed places."""
    places = (SIDE - 1) / 2 + _FROM_CENTRE * (1 + zoom[:, None]) + shift[:, None]
    places = np.clip(places, 0, SIDE - 1)
    pixels = np.arange(SIDE, dtype=np.float32)
    return np.clip(1 - np.abs(places[:, :, None] - pixels), 0, 1)
