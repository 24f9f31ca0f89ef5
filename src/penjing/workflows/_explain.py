"""Where a network looked: which part of a picture, when hidden, costs its answer most.

Works for any network, because it only asks it again. Source: Zeiler and Fergus, 2014, *Visualizing and
Understanding Convolutional Networks* (occlusion); we hide with the mean colour of the picture itself, so that no
edge of an artificial grey appears.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from penjing.training import engine
from penjing.training._loader import Items

GRID = 7  # places a side that are hidden, one after the other
HIDDEN = 2.0  # side of the hidden square, in places: neighbours overlap


class _Values:
    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def take(self, index: np.ndarray) -> np.ndarray:
        return self.values[index]


def look(
    network: engine.Network,
    column: str,
    pictures: np.ndarray,
    answers: np.ndarray,
    see: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> np.ndarray:
    """How much each place of each picture matters to the network's answer.

    Args:
        network: in evaluation mode.
        column: the input column.
        pictures: uint8 [n, side, side, channels].
        answers: Int[n], the class whose probability is watched.
        see: pictures → what the network takes, where they go through a pretrained encoder first.

    Returns:
        Float16 [n, GRID, GRID]: by how much the answer's log probability falls when that place is hidden; below zero
        where hiding helps.
    """
    heat = np.zeros((len(pictures), GRID, GRID), np.float32)
    for number, (picture, answer) in enumerate(zip(pictures, answers, strict=True)):
        hidden = np.concatenate([picture[None], _hidden(picture)])
        outputs = engine.outputs(network, Items({column: _Values(see(hidden))}), np.arange(len(hidden)))
        given = outputs[:, answer] - np.logaddexp.reduce(outputs, axis=1)
        heat[number] = (given[0] - given[1:]).reshape(GRID, GRID)
    return heat.astype(np.float16)


def _hidden(picture: np.ndarray) -> np.ndarray:
    """One copy per place, that place covered: uint8 [GRID², side, side, channels]."""
    side = picture.shape[0]
    mean = picture.mean(axis=(0, 1)).round().astype(np.uint8)
    copies = np.repeat(picture[None], GRID * GRID, axis=0)
    half = max(1, round(HIDDEN * side / GRID / 2))
    for place in range(GRID * GRID):
        row, column = ((index + 0.5) * side / GRID for index in divmod(place, GRID))
        top, left = max(0, round(row) - half), max(0, round(column) - half)
        copies[place, top : round(row) + half, left : round(column) + half] = mean
    return copies
