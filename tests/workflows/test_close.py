"""What is settled after the weights, for every task."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from penjing.core import plugins
from penjing.tasks._thresholds import Threshold
from penjing.workflows import _close
from penjing.workflows._close import Answers, told_items, with_thresholds, write_pictures

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


@pytest.mark.parametrize(("threshold", "taken"), [(None, [0, 0, 1, 0]), (Threshold(1, 0.3, "f1"), [0, 1, 1, 1])])
def test_pictures_show_where_the_network_looked_for_the_class_that_an_item_is_taken_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threshold: Threshold | None, taken: list[int]
) -> None:
    asked: list[int] = []

    def look(*given: Any) -> np.ndarray:
        asked.extend(given[-1].tolist())
        return np.zeros((len(given[-1]), 2, 2), np.float16)

    monkeypatch.setattr(_close, "look", look)
    pictures = np.zeros((6, 4, 4, 3), np.uint8)
    slot = SimpleNamespace(name="image", present=None, cached=SimpleNamespace(take=lambda rows: pictures[rows]))
    prepared: Any = SimpleNamespace(
        pictures=slot,
        slots=[slot],
        task="classify",
        truth=np.array([0, 1, 1, 1, 0, 1]),
        classes=("well", "ill"),
        hashes=list("abcdef"),
    )
    run: Any = SimpleNamespace(path=tmp_path)
    positive = np.array([0.1, 0.4, 0.9, 0.35], np.float32)
    answers = Answers("network", np.stack([1 - positive, positive], 1), threshold)
    write_pictures(run, Any, prepared, np.array([4, 5]), np.arange(4), answers)  # type: ignore[arg-type]
    kept = np.load(tmp_path / "pictures.npz")
    assert dict(zip(kept["heat_hash"].tolist(), asked, strict=True)) == dict(zip("abcd", taken, strict=True))
    # the right ones come first, then the wrong ones, the surest first
    wrong = [name for name, one, truth in zip("abcd", taken, prepared.truth, strict=False) if one != truth]
    assert kept["heat_hash"].tolist()[4 - len(wrong) :] == sorted(wrong, reverse=True)
