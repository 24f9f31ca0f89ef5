"""Pictures with their centre or their border hidden: what an answer rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from penjing.training._loader import Items, Values
from penjing.training.engine import Problem

CENTRE = 0.5  # of the side, the square in the middle that is hidden
INNER = 0.75  # of the side, the square in the middle that is left where the border is hidden
LOOKED_AT = 500  # training pictures whose mean stands where something is hidden


def hidden(problem: Problem) -> Iterator[tuple[str, Items]]:
    """("centre" or "border", the items with that part of all pictures hidden); nothing where there is no picture."""
    pictures = [name for name, modality in problem.modality.items() if modality == "image"]
    if not pictures or problem.items.prepared.intersection(pictures):
        return
    for where in ("centre", "border"):
        values = {name: _Hidden(problem.items.inputs[name], problem.train, where) for name in pictures}
        yield where, replace(problem.items, inputs={**problem.items.inputs, **values})


def mask(height: int, width: int, where: str) -> Bool[np.ndarray, "height width"]:
    """Which pixels are hidden."""
    share = CENTRE if where == "centre" else INNER
    middle = np.zeros((height, width), dtype=bool)
    top, left = (round(side * (1 - share) / 2) for side in (height, width))
    middle[top : height - top, left : width - left] = True
    return middle if where == "centre" else ~middle


class _Hidden:
    """Decoded pictures, a part of each replaced by the mean colour of training pictures."""

    def __init__(self, values: Values, train: np.ndarray, where: str) -> None:
        self._values, self._where = values, where
        some = train[np.linspace(0, len(train) - 1, min(len(train), LOOKED_AT)).astype(np.int64)]
        pictures = values.take(some)
        self._mean = pictures.reshape(-1, pictures.shape[-1]).mean(0).round().astype(pictures.dtype)

    def take(self, index: np.ndarray) -> np.ndarray:
        pictures = self._values.take(index).copy()
        pictures[:, mask(pictures.shape[1], pictures.shape[2], self._where)] = self._mean
        return pictures
