"""What each input contributes: how much worse the answers get when its values are those of other items.

Source: L. Breiman (2001), "Random forests" (permutation importance), here for whole inputs of a network and for single
columns of a table, on validation items.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from penjing.core.randomness import stream
from penjing.core.statistics import Metric
from penjing.training import engine
from penjing.training._assemble import Network
from penjing.training._loader import Values
from penjing.training.engine import Problem
from penjing.workflows._prepare import Prepared
from penjing.workflows._slots import TABLE

MOST_ROWS = 1_000  # validation rows asked again for each input
MOST_COLUMNS = 40  # of a table


def contributions(
    network: Network, problem: Problem, prepared: Prepared, task: Any, metric: Metric, seconds: float = math.inf
) -> list[dict[str, Any]]:
    """One entry an input, or a column of a table: the metric when its values are shuffled, and by how much it is worse.

    Nothing where there is only one thing to shuffle, or nothing to judge by. What the seconds are not enough for is
    left out, but never the first.
    """
    until = time.monotonic() + seconds
    whole = [(slot.name, None) for slot in prepared.slots if slot.modality != TABLE]
    columns = [(slot.name, number) for slot in prepared.slots if slot.modality == TABLE for number in _columns(slot)]
    if len(whole) + len(columns) < 2 or not len(problem.valid):
        return []
    rows = problem.valid[stream(0, "contributions").permutation(len(problem.valid))[:MOST_ROWS]]
    others = np.roll(rows, 1)  # shuffled already, so the next one is any other
    truth = prepared.truth[rows]
    plain = metric(truth, task.answer(engine.outputs(network, problem.items, rows)))
    sign = 1.0 if metric.is_higher_better else -1.0
    found: list[dict[str, Any]] = []
    for name, column in [*whole, *columns]:
        if found and time.monotonic() > until:
            break
        inputs = dict(problem.items.inputs)
        inputs[name] = _Shuffled(inputs[name], rows, others, column)
        present = dict(problem.items.present)
        if name in present:
            present[name] = _moved(present[name], rows, others)
        items = replace(problem.items, inputs=inputs, present=present)
        value = metric(truth, task.answer(engine.outputs(network, items, rows)))
        shown = None if column is None else _column_name(prepared, name, column)
        found.append(
            {"input": name, "column": shown, "metric": metric.name, "value": value, "drop": sign * (plain - value)}
        )
    return sorted(found, key=lambda one: -float(one["drop"]))


def _columns(slot: Any) -> range:
    return range(min(len(slot.columns), MOST_COLUMNS))


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
