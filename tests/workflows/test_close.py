"""What is settled after the weights, for every task."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from penjing.core import plugins
from penjing.workflows._close import Answers, told_items, with_thresholds

CASES = {
    "classify": ({"threshold": "f1"}, np.array([0, 1, 1, 0]), 2),
    "regress": ({}, np.array([0.5, 1.5, 2.5, 3.5], dtype=np.float32), 1),
    "tag": ({"threshold": "f1"}, np.array([[1, 0], [0, 1], [1, 1], [0, 0]], dtype=np.int8), 2),
}


def test_every_task_is_covered() -> None:
    assert sorted(CASES) == plugins.names("tasks")


@pytest.mark.parametrize("name", CASES)
def test_thresholds_are_chosen_where_a_task_has_some(name: str) -> None:
    wanted, truth, outputs = CASES[name]
    task = plugins.load("tasks", name)
    answer = np.random.default_rng(0).uniform(0.1, 0.9, (4, outputs)).astype(np.float32)
    names = [f"n{number}" for number in range(outputs)]
    (found,) = with_thresholds([Answers("network", answer)], task, task.Settings(**wanted), truth, names)
    assert (found.threshold is not None) == ("threshold" in wanted)


def test_items_that_belong_together_are_told_by_the_least_of_their_hashes() -> None:
    prepared: Any = SimpleNamespace(
        truth=np.array([0, 1, 0, 1, 0]),
        classes=("cat", "dog"),
        hashes=["e", "b", "c", "d", "a"],
        names=["e.png", "b.png", "c.png", "d.png", "a.png"],
        groups=np.array([7, 3, 7, 7, 9]),
    )
    task, answer = plugins.load("tasks", "classify"), np.full((4, 2), 0.5, np.float32)
    models = [Answers("network", answer), Answers("linear", answer)]
    found = told_items(prepared, np.array([0, 1, 2, 4]), models, "valid", task)
    assert found["group"].to_list() == ["c", None, "c", None] * 2
