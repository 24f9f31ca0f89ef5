"""What each input contributes: how much worse the answers get when its values are those of other items.

Source: L. Breiman (2001), "Random forests" (permutation importance), here for whole inputs of a network and for single
columns of a table, on validation items.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from penjing.core.randomness import stream
from penjing.core.spread import student_t, unit_of_item
from penjing.core.statistics import Metric
from penjing.tasks._floor.constant import Majority
from penjing.training import engine
from penjing.training._assemble import Network
from penjing.training._loader import Items, Values
from penjing.training.engine import Problem
from penjing.workflows._prepare import Prepared
from penjing.workflows._slots import TABLE

MOST_ROWS = 1_000  # validation rows asked again for each input
MOST_COLUMNS = 40  # of a table; of more, drawn at random
TIMES = 5  # that the values of each input are exchanged, with other items each time
AGAIN_SECONDS = 20.0  # that exchanging anew may take: once each tells much, five times a little more
BLOCKS = 20  # of items, by which it is told how sure a number is


def contributions(
    network: Network,
    problem: Problem,
    prepared: Prepared,
    task: Any,
    metric: Metric,
    seconds: float = math.inf,
    calibrated: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """One entry an input, or a column of a table: the metric when its values are shuffled, and by how much it is worse.

    `low` and `high` are the ends of a 95% interval of that, paired by item and by group; `drop_all` is what is lost
    when the values of all inputs are those of another item, and `unit` what a difference of one means: 1 where the
    metric has an upper bound, else what the constant answer has. Nothing where there is only one thing to shuffle, or
    nothing to judge by. What the seconds are not enough for is left out, but never the first.

    Args:
        metric: with the thresholds of the network, where it has any.
        seconds: that it may take.
        calibrated: what was learned of the network's outputs, by which it answers; None answers by them as they are.
    """
    until = time.monotonic() + seconds
    whole = [(slot.name, None) for slot in prepared.slots if slot.modality != TABLE]
    columns = [(slot.name, number) for slot in prepared.slots if slot.modality == TABLE for number in _columns(slot)]
    if sum(len(slot.columns) if slot.modality == TABLE else 1 for slot in prepared.slots) < 2 or not len(problem.valid):
        return []
    rows = problem.valid[stream(0, "contributions").permutation(len(problem.valid))[:MOST_ROWS]]
    judge = _Judge(metric, prepared.truth[rows], _blocks(prepared.groups[rows]))
    answer = task.answer(engine.outputs(network, problem.items, rows), calibrated)
    plain = judge(answer)
    of_all: list[np.ndarray] = []
    found: dict[tuple[str, int | None], list[np.ndarray]] = {}
    for shift in range(1, 1 + max(1, min(TIMES, len(rows) - 1))):
        others = np.roll(rows, shift)  # shuffled already, so the next one is any other
        of_all.append(judge(np.roll(answer, shift, axis=0)))
        if shift == 2:
            until = min(until, time.monotonic() + AGAIN_SECONDS)
        for name, column in [*whole, *columns]:
            if found and time.monotonic() > until:
                break
            items = _exchanged(problem, name, column, rows, others)
            shuffled = judge(task.answer(engine.outputs(network, items, rows), calibrated))
            found.setdefault((name, column), []).append(shuffled)
    lost_all = judge.lost(plain, of_all)[0]
    unit = _unit(judge, float(plain[0]), problem, prepared)
    entries: list[dict[str, Any]] = []
    for (name, column), values in found.items():
        drop, low, high = judge.lost(plain, values)
        entries.append(
            {
                "input": name,
                "column": None if column is None else _column_name(prepared, name, column),
                "metric": metric.name,
                "value": float(np.mean([value[0] for value in values])),
                "drop": drop,
                "low": low,
                "high": high,
                "drop_all": lost_all,
                "unit": unit,
            }
        )
    return sorted(entries, key=lambda one: -float(one["drop"]))


@dataclass(frozen=True)
class _Judge:
    """The metric of answers, and what it is without each block of items: a jackknife that deletes groups.

    Source: J. Shao, D. Tu, The jackknife and bootstrap, 1995, chapter 2. What differs between two answers to the same
    items is so told with its scatter, for any metric.

    Attributes:
        metric: weighs items.
        truth: of the rows.
        block: the block that each row belongs to; items of one group are in one block.
    """

    metric: Metric
    truth: np.ndarray
    block: Int[np.ndarray, " rows"]

    def __call__(self, answer: np.ndarray) -> Float[np.ndarray, " values"]:
        """The metric on all rows, and then without each block."""
        prepared = self.metric.prepare(self.truth, answer)
        whole = np.ones(len(self.truth))
        blocks = range(int(self.block.max()) + 1)
        left = (
            [self.metric.combine(prepared, (self.block != one).astype(float)) for one in blocks] if blocks[1:] else []
        )
        return np.array([self.metric.combine(prepared, whole), *left])

    def lost(self, plain: np.ndarray, shuffled: list[np.ndarray]) -> tuple[float, float | None, float | None]:
        """(by how much the metric is worse on average, the ends of its 95% interval); no ends where nothing tells."""
        sign = 1.0 if self.metric.is_higher_better else -1.0
        worse = sign * (plain - np.mean(shuffled, axis=0))
        drop, left = float(worse[0]), worse[1:]
        if len(left) < 2 or not np.isfinite(left).all():
            return drop, None, None
        error = math.sqrt((len(left) - 1) / len(left) * float(((left - left.mean()) ** 2).sum()))
        half = student_t(0.975, len(left) - 1) * error
        return drop, drop - half, drop + half


def _unit(judge: _Judge, value: float, problem: Problem, prepared: Prepared) -> float:
    """What a difference of one means in the metric, of which the network has `value`."""
    constant = Majority.learn(prepared.task, prepared.truth[problem.train], len(problem.classes))
    return judge.metric.unit(value, judge.metric(judge.truth, constant.answer(len(judge.truth))))


def _blocks(groups: np.ndarray) -> Int[np.ndarray, " rows"]:
    """The block of each row, for rows in an order of chance."""
    found: np.ndarray = unit_of_item(groups, len(groups)) % BLOCKS
    return found


def _exchanged(problem: Problem, name: str, column: int | None, rows: np.ndarray, others: np.ndarray) -> Items:
    """The items, with one input or column of some rows taken from others."""
    inputs = dict(problem.items.inputs)
    inputs[name] = _Shuffled(inputs[name], rows, others, column)
    present = dict(problem.items.present)
    if name in present:
        present[name] = _moved(present[name], rows, others)
    return replace(problem.items, inputs=inputs, present=present)


def _columns(slot: Any) -> list[int]:
    """The columns of a table whose values are exchanged."""
    return sorted(stream(0, "contributions columns").permutation(len(slot.columns))[:MOST_COLUMNS].tolist())


def _column_name(prepared: Prepared, name: str, column: int) -> str:
    (slot,) = [slot for slot in prepared.slots if slot.name == name]
    return slot.columns[column].name


def _moved(there: np.ndarray, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether a value is there, for rows that have the values of others."""
    found = there.copy()
    found[rows] = there[others]
    return found


class _Shuffled:
    """Values in which some rows have those of others, in one column or in all."""

    def __init__(self, values: Values, rows: np.ndarray, others: np.ndarray, column: int | None) -> None:
        self._values, self._column = values, column
        self._other: Mapping[int, int] = dict(zip(rows.tolist(), others.tolist(), strict=True))

    def take(self, index: np.ndarray) -> np.ndarray:
        moved = self._values.take(np.array([self._other[row] for row in index.tolist()], dtype=np.int64))
        if self._column is None:
            return moved
        found = self._values.take(index).copy()
        found[:, self._column] = moved[:, self._column]
        return found
