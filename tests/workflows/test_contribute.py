"""What an input contributes: the fall of the metric when its values are those of other items."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from kinds import fit_kind
from torch import nn

from penjing.core import plugins
from penjing.training._loader import Items
from penjing.training.engine import Problem
from penjing.workflows._contribute import contributions
from penjing.workflows._slots import Encoded

ITEMS = 400
CLASSIFY = plugins.load("tasks", "classify")


class Sign(nn.Module):
    """Answers by the first column of a table alone."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, batch: Any) -> torch.Tensor:
        first = batch.inputs["table"][:, 0] * self.weight
        return torch.stack([-first, first], 1)


def told(seconds: float, columns: tuple[str, ...] = ("telling", "noise")) -> list[dict[str, Any]]:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 2, ITEMS)
    values = draw.normal(size=(ITEMS, len(columns))).astype(np.float32)
    values[:, 0] = np.where(truth == 1, 1.0, -1.0)
    rows = np.arange(ITEMS)
    problem = Problem(
        Items({"table": Encoded(values)}, {"label": truth}), {"table": "table"}, {}, {}, "label", ("a", "b"), rows, rows
    )
    slot = SimpleNamespace(name="table", modality="table", columns=[SimpleNamespace(name=name) for name in columns])
    prepared: Any = SimpleNamespace(slots=(slot,), truth=truth, groups=np.arange(ITEMS))
    network: Any = Sign()
    return contributions(network, problem, prepared, CLASSIFY, CLASSIFY.metric("accuracy"), seconds)


def test_a_column_that_tells_the_class_costs_half_the_answers_and_noise_costs_nothing() -> None:
    telling, noise = told(np.inf)
    assert (telling["column"], noise["column"]) == ("telling", "noise")
    assert telling["drop"] == pytest.approx(0.5, abs=0.1)
    assert noise["drop"] == 0


def test_without_time_the_first_column_is_told_and_the_others_are_left_out() -> None:
    assert [one["column"] for one in told(0.0)] == ["telling"]


def test_one_thing_alone_has_nothing_to_be_told_from() -> None:
    assert told(np.inf, ("telling",)) == []


def test_a_network_that_learned_from_all_folds_has_no_items_left_to_tell_by(tmp_path: Path) -> None:
    assert fit_kind("table", tmp_path, folds=3).results["contributions"] == []
