"""Pictures with their centre or their border hidden, or nothing but that shown: what an answer rests on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Bool, Float

from penjing.core.spread import standard_error, unit_of_item
from penjing.core.usual import BORDER
from penjing.modalities.image.rim import is_rim, rim
from penjing.tasks._floor.examples import one_thread, quiet_sklearn
from penjing.tasks._floor.linear import fit_linear
from penjing.training._loader import Items, Values, spread
from penjing.training.engine import Problem

LOOKED_AT = 500  # training pictures whose mean stands where something is hidden
# A linear model of one part alone: it learns from so many pictures, of so many pixels a side.
LEARNED_FROM, SEEN_SIDE = 1_000, 32
LINEAR = {"strength": 0.01, "class_weight": "none", "most_iterations": 60}
LINEAR_SECONDS = 3.0
OPENED_TOGETHER = 256  # pictures
PARTS = ("centre", "border")
WIDER = (0.2, 0.3)  # of a picture's side: borders that may tell the class where marks are large
CLEAR_ERRORS = 3.0  # standard errors by which one part tells clearly more than another
Selection = Callable[[int, int], np.ndarray]  # height, width → which pixels


def hidden(problem: Problem) -> Iterator[tuple[str, Items]]:
    """("centre" or "border", the items with that part of all pictures hidden); nothing where there is no picture."""
    pictures = _pictures(problem)
    for where in PARTS if pictures else ():
        values = {name: _Hidden(problem.items.inputs[name], problem.train, where, BORDER) for name in pictures}
        yield where, replace(problem.items, inputs={**problem.items.inputs, **values})


def choosing_without_border(problem: Problem, share: float) -> Problem:
    """The problem with the border of all pictures hidden, but of those that are learned from.

    Args:
        share: of each side that is border, at either end.
    """
    values = {
        name: _Hidden(problem.items.inputs[name], problem.train, "border", share, shown=problem.train)
        for name in _pictures(problem)
    }
    return replace(problem, items=replace(problem.items, inputs={**problem.items.inputs, **values}))


def alone(
    problem: Problem, seconds: float = LINEAR_SECONDS
) -> Iterator[tuple[str, Float[np.ndarray, "items classes"]]]:
    """("centre" or "border", what a linear model that is shown nothing but that part of the pictures answers on the
    validation items); nothing where there is no picture, or nothing to tell apart.

    Args:
        problem: of classes.
        seconds: that each model may take.
    """
    told = _Reader.of(problem, seconds)
    if told is not None:
        for where in PARTS:
            yield where, told.answers(partial(mask, where=where))


def telling_border(problem: Problem, groups: np.ndarray, seconds: float = LINEAR_SECONDS) -> float:
    """How wide the border of the pictures is that tells the class: `BORDER` of each side, and more while the next strip
    tells clearly more than all that lies within it.

    Args:
        problem: whose border tells the class.
        groups: Int[items], the group of every item.
        seconds: that each linear model may take.
    """
    told = _Reader.of(problem, seconds)
    if told is None:
        return BORDER
    truth = problem.truth[problem.valid]

    def right(shown: Selection) -> np.ndarray:
        return (told.answers(shown).argmax(axis=1) == truth).astype(np.float64)

    known, unit = BORDER, unit_of_item(groups[problem.valid], len(truth))
    for share in WIDER:
        strip, within = partial(_strip, inner=share, outer=known), partial(_within, share=share)
        if not any(strip(*pictures.shape[1:3]).any() for pictures in told.judged):  # of few pixels a side
            continue
        more = right(strip) - right(within)
        if more.mean() <= CLEAR_ERRORS * standard_error(more, unit):
            break
        known = share
    return known


@dataclass(frozen=True)
class _Reader:
    """Linear models that are shown some pixels of each picture.

    Attributes:
        learned: the pictures of each input that they learn from, from afar.
        truth: the classes of these.
        judged: the pictures that they answer.
        classes: how many there are.
        seconds: that each model may take.
    """

    learned: Sequence[np.ndarray]
    truth: np.ndarray
    judged: Sequence[np.ndarray]
    classes: int
    seconds: float

    @classmethod
    def of(cls, problem: Problem, seconds: float) -> _Reader | None:
        """That of a problem; None where there is no picture, or nothing to tell apart."""
        pictures, train = _pictures(problem), spread(problem.train, LEARNED_FROM)
        truth = problem.truth[train]
        if not pictures or len(np.unique(truth)) < 2:
            return None
        learned, judged = (
            [_coarse(problem.items.inputs[name], rows) for name in pictures] for rows in (train, problem.valid)
        )
        return cls(learned, truth, judged, len(problem.classes), seconds)

    def answers(self, shown: Selection) -> Float[np.ndarray, "items classes"]:
        """What one that is shown nothing but these pixels answers."""
        with one_thread(), quiet_sklearn():
            until = time.monotonic() + self.seconds
            model, _ = fit_linear(_pixels(self.learned, shown), self.truth, self.classes, LINEAR, until)
        found: np.ndarray = model.predict(_pixels(self.judged, shown))
        return found


def _pictures(problem: Problem) -> list[str]:
    """The inputs that are pictures as they were decoded."""
    return [
        name
        for name, modality in problem.modality.items()
        if modality == "image" and name not in problem.items.prepared
    ]


def _pixels(columns: Sequence[np.ndarray], shown: Selection) -> Float[np.ndarray, "rows pixels"]:
    """Some pixels of each column's pictures as rows of numbers."""
    parts = [one[:, shown(one.shape[1], one.shape[2])].reshape(len(one), -1) for one in columns]
    return np.concatenate(parts, axis=1)


def _coarse(column: Values, rows: np.ndarray) -> Float[np.ndarray, "rows height width channels"]:
    """Some pictures from afar; a few are opened at a time."""
    parts = np.array_split(rows, math.ceil(len(rows) / OPENED_TOGETHER))
    return np.concatenate([_from_afar(column.take(part)) for part in parts])


def _from_afar(pictures: np.ndarray) -> Float[np.ndarray, "pictures height width channels"]:
    """Pictures of at most `SEEN_SIDE` pixels a side, each the mean of a square of theirs."""
    count, height, width, channels = pictures.shape
    times = math.ceil(max(height, width) / SEEN_SIDE)
    high, wide = height // times, width // times
    squares = pictures[:, : high * times, : wide * times].reshape(count, high, times, wide, times, channels)
    return squares.mean(axis=(2, 4), dtype=np.float32)


def _strip(height: int, width: int, inner: float, outer: float) -> Bool[np.ndarray, "height width"]:
    """Which pixels of a border are not of a thinner one."""
    return is_rim(height, width, inner) & ~is_rim(height, width, outer)


def _within(height: int, width: int, share: float) -> Bool[np.ndarray, "height width"]:
    """Which pixels lie inside a border."""
    return ~is_rim(height, width, share)


def mask(height: int, width: int, where: str, share: float = BORDER) -> Bool[np.ndarray, "height width"]:
    """Which pixels are hidden: the border, or a rectangle in the middle of (nearly) the same area and of the picture's
    shape, for objects that fill their frame lose as much as is hidden of them."""
    border = is_rim(height, width, share)
    if where == "border":
        return border
    inner = [side - 2 * one for side, one in zip((height, width), rim(height, width, share), strict=True)]
    as_large = math.sqrt(border.mean())
    sides = [min(most, round(as_large * side)) for most, side in zip(inner, (height, width), strict=True)]
    top, left = (round((side - one) / 2) for side, one in zip((height, width), sides, strict=True))
    hidden = np.zeros((height, width), dtype=bool)
    hidden[top : top + sides[0], left : left + sides[1]] = True
    return hidden


class _Hidden:
    """Decoded pictures, a part of each replaced by the mean colour of training pictures; those of the rows `shown`
    are whole."""

    def __init__(
        self, values: Values, train: np.ndarray, where: str, share: float, shown: np.ndarray | None = None
    ) -> None:
        self._values, self._where, self._share = values, where, share
        self._is_shown = np.zeros(0 if shown is None or not len(shown) else shown.max() + 1, dtype=bool)
        self._is_shown[[] if shown is None else shown] = True
        pictures = values.take(spread(train, LOOKED_AT))
        self._mean = pictures.reshape(-1, pictures.shape[-1]).mean(0).round().astype(pictures.dtype)

    def take(self, index: np.ndarray) -> np.ndarray:
        pictures = self._values.take(index)
        known = index < len(self._is_shown)
        is_hidden = ~known
        is_hidden[known] = ~self._is_shown[index[known]]
        if not is_hidden.any():
            return pictures
        pictures = pictures.copy()
        part = mask(pictures.shape[1], pictures.shape[2], self._where, self._share)
        pictures[is_hidden[:, None, None] & part] = self._mean
        return pictures
