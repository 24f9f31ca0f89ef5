"""What an input contributes: the fall of the metric when its values are those of other items."""

from __future__ import annotations

from dataclasses import replace
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
from penjing.workflows._contribute import MOST_COLUMNS, contributions
from penjing.workflows._slots import Encoded

ITEMS = 400
CLASSIFY = plugins.load("tasks", "classify")
ACCURACY = CLASSIFY.metric("accuracy")


class Sign(nn.Module):
    """Answers by the first column of a table alone."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, batch: Any) -> torch.Tensor:
        first = batch.inputs["table"][:, 0] * self.weight
        return torch.stack([-first, first], 1)


def told(
    seconds: float,
    columns: tuple[str, ...] = ("telling", "noise"),
    network: Any = None,
    groups: np.ndarray | None = None,
    metric: Any = ACCURACY,
) -> list[dict[str, Any]]:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 2, ITEMS)
    values = draw.normal(size=(ITEMS, len(columns))).astype(np.float32)
    values[:, 0] = np.where(truth == 1, 1.0, -1.0)
    rows = np.arange(ITEMS)
    problem = Problem(
        Items({"table": Encoded(values)}, {"label": truth}), {"table": "table"}, {}, {}, "label", ("a", "b"), rows, rows
    )
    slot = SimpleNamespace(name="table", modality="table", columns=[SimpleNamespace(name=name) for name in columns])
    groups = rows if groups is None else groups
    prepared: Any = SimpleNamespace(task="classify", slots=(slot,), truth=truth, groups=groups)
    return contributions(network or Sign(), problem, prepared, CLASSIFY, metric, seconds)


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


class Overfitted(nn.Module):
    """Answers by the first column, and as much by what it learned by heart of the others."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, batch: Any) -> torch.Tensor:
        values = batch.inputs["table"]
        said = values[:, 0] * self.weight + 1.5 * values[:, 1:].sum(1)
        return torch.stack([-said, said], 1)


def test_the_interval_of_a_column_of_chance_holds_zero_however_much_the_network_makes_of_it() -> None:
    telling, noise = told(np.inf, network=Overfitted())
    assert noise["column"] == "noise"
    assert noise["low"] < 0 < noise["high"]
    assert noise["high"] - noise["low"] > 0.02
    assert telling["low"] > 0


def test_exchanging_all_inputs_costs_what_the_network_knows() -> None:
    telling, noise = told(np.inf)
    assert telling["drop_all"] == noise["drop_all"] == pytest.approx(telling["drop"])


def test_the_unit_of_a_metric_without_an_upper_bound_is_what_the_constant_answer_has() -> None:
    assert {one["unit"] for one in told(np.inf)} == {1.0}
    losses = told(np.inf, metric=replace(CLASSIFY.metric("log_loss"), bounds=(0.0, np.inf)))
    assert [one["unit"] for one in losses] == [pytest.approx(np.log(2), abs=0.01)] * 2


def test_items_of_one_group_are_one_witness() -> None:
    single, grouped = told(np.inf), told(np.inf, groups=np.arange(ITEMS) // 20)
    assert single[0]["drop"] == grouped[0]["drop"]
    assert single[0]["low"] != grouped[0]["low"]
    (alone, _) = told(np.inf, groups=np.zeros(ITEMS, dtype=int))
    assert (alone["low"], alone["high"]) == (None, None)


def test_of_many_columns_those_are_tried_that_chance_draws() -> None:
    names = tuple(f"x{number}" for number in range(90))
    found = [one["column"] for one in told(np.inf, names)]
    assert len(found) == len(set(found)) == MOST_COLUMNS
    assert any(int(name[1:]) > MOST_COLUMNS for name in found)
    assert found == [one["column"] for one in told(np.inf, names)]


def test_what_an_input_contributes_is_lost_of_the_run_s_own_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the thresholds of the labels, and calibrated."""
    task = plugins.load("tasks", "tag")
    monkeypatch.setattr(task, "choose_threshold", lambda *_: task.Threshold((0.9, 0.1), "f1"))
    results = fit_kind("labels", tmp_path).results
    first = results["scores"][0]
    assert len(results["contributions"]) == 2
    for one in results["contributions"]:
        assert one["metric"] == first["metric"]
        assert one["value"] + one["drop"] == pytest.approx(first["value"], abs=1e-6)
