"""Training and validation items are taken together where they are of different kinds, or few are learned from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

import penjing as pj
from penjing.core.finding import Finding
from penjing.core.recipe import Recipe, SplitChoices
from penjing.core.run import Run
from penjing.workflows import heal as healing
from penjing.workflows import treat as treating
from penjing.workflows._choose import RecipeWish
from penjing.workflows._together import BY_TIME, DRIFT, ENOUGH, FEW, NO_TIME, REMEDY, why_apart
from penjing.workflows._wish import FitWish
from penjing.workflows.heal import Healed

RECIPE = """
[model]
name = "tabular"
[optimiser]
name = "adamw"
rate = 0.01
[training]
steps = 60
batch_size = 32
evaluations = 4
[machine]
threads = 1
number_format = "float32"
"""


def rows(train: int, valid: int, moved: float, **columns: Any) -> pl.DataFrame:
    """A table whose class is the sign of x and y together, but in validation, where x is another measure and larger."""
    draw = np.random.default_rng(0)
    part = np.array(["train"] * train + ["valid"] * valid + ["test"] * 40)
    x, y = draw.normal(size=(2, len(part)))
    label = np.where(x + y > 0, "up", "down")
    shown = np.where(part == "valid", moved - x, x)
    return pl.DataFrame({"x": shown, "y": y, "label": label, "part": part.tolist(), **columns})


def fitted(table: pl.DataFrame, folder: Path, **choices: Any) -> Run:
    recipe = Recipe.from_toml(RECIPE).filled()
    wished = {"target": "label", "recipe": recipe, "watch": None, **choices}
    return pj.fit(table, out=folder / "run", **wished)


def trial_of(run: Run, table: pl.DataFrame, **wished: Any) -> treating.Trial:
    """A treatment that has read its data."""
    trial = treating.Trial(run, treating.TreatWish(**wished), treating.Clock(60.0), None, treating.diagnose(run))
    trial._open(table)
    return trial


def test_what_learns_from_both_kinds_is_kept_and_the_new_run_has_folds(tmp_path: Path) -> None:
    table = rows(160, 90, moved=5.0)
    run = fitted(table, tmp_path)
    found = pj.treat(run, time="40s", remedies=[REMEDY], data=table, out=tmp_path / "new", watch=None)
    assert DRIFT in [one.name for one in found.diagnosis.findings]
    assert found.kept == (REMEDY,)
    assert found.gain is not None
    assert found.gain.low > 0
    assert (found.gain.units, found.judged_on) == (200, "folds")  # four of five folds of both; one chose
    assert found.run is not None
    assert found.run.recipe.split.folds == 5
    assert found.run.info["seal"] == run.info["seal"]
    parts = [pl.read_parquet(one.path / "split.parquet") for one in (run, found.run)]
    assert parts[0].select("hash", "part").equals(parts[1].select("hash", "part"))
    lines = [line for line in run.ledger if line["what"] == "judging"]
    assert lines[0]["choice"] == "folds of training and validation items together choose and judge"
    assert lines[0]["why"] == "validation items are of another kind than those that are learned from"
    assert "the first one is of the items that validated, the second of all folds" in str(found).replace(
        "\n" + 7 * " ", " "
    )


def test_where_few_items_are_learned_from_and_many_validate_both_are_taken_together(tmp_path: Path) -> None:
    table = rows(24, 120, moved=0.0).with_columns(
        x=pl.when(pl.col("part") == "valid").then(-pl.col("x")).otherwise("x")
    )
    trial = trial_of(fitted(table, tmp_path), table)
    (first,) = trial._first
    few = first.finding
    assert (first.name, few.name) == (REMEDY, FEW)
    assert (few.level, few.message) == ("info", "24 items are learned from, and 120 validate.")
    assert trial.bench.mixes_parts
    assert trial.time.growing == 6  # a network for each fold, and the one that is kept


def test_elsewhere_they_stay_apart_and_the_finding_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = rows(160, 90, moved=5.0)
    run = fitted(table, tmp_path)
    told = {}
    for name, wished in {
        "asked for another": {"remedies": ("more_steps",)},
        "without": {"without": frozenset({REMEDY})},
    }.items():
        trial = trial_of(run, table, **wished)
        assert not trial.bench.mixes_parts, name
        told[name] = drift_of(trial)
    monkeypatch.setattr(treating.Trial, "_known_seconds", 50.0)
    told["slow"] = drift_of(trial_of(run, table))
    assert {name: one.evidence["apart"] for name, one in told.items()} == {
        "asked for another": ENOUGH,
        "without": ENOUGH,
        "slow": NO_TIME,
    }


def drift_of(trial: treating.Trial) -> Finding:
    (found,) = [one for one in trial.diagnosis.findings if one.name == DRIFT]
    return found


def test_what_comes_later_teaches_nothing_of_what_came_before_and_what_is_dear_is_not_tried_for_little() -> None:
    def why(columns: list[str], named: str, level: str, train: int, seconds: float) -> str:
        rows = {"train": np.arange(train), "valid": np.arange(100)}
        prepared = SimpleNamespace(table=SimpleNamespace(role=lambda _: columns), rows=rows.__getitem__)
        bench: Any = SimpleNamespace(prepared=prepared)
        time: Any = SimpleNamespace(first=lambda: 10.0, growing=6, clock=SimpleNamespace(left=81.0))
        return why_apart(bench, Finding(named, level, ""), time, seconds)  # type: ignore[arg-type]

    assert why(["when"], DRIFT, "warning", train=300, seconds=1.0) == BY_TIME
    assert why([], DRIFT, "warning", train=300, seconds=9.0) == ""
    assert why([], DRIFT, "warning", train=300, seconds=11.0) == NO_TIME
    assert why([], FEW, "warning", train=300, seconds=9.0) == ""
    assert why([], FEW, "info", train=300, seconds=9.0) == NO_TIME
    assert why([], FEW, "info", train=300, seconds=2.4) == ""  # six trainings in a quarter of the time
    assert why([], FEW, "info", train=100, seconds=9.0) == ""  # half of what is known teaches nothing


def test_folds_that_helped_are_those_of_the_run_that_heals_itself() -> None:
    before = Recipe().filled()
    after = replace(before, split=SplitChoices(folds=5))
    wish = healing._with(FitWish(), Healed([], before, after))
    assert (wish.data.folds, "folds" in wish.given) == (5, True)
    unchanged = healing._with(FitWish(), Healed([], before, replace(before, seed=1)))
    assert (unchanged.data.folds, "folds" in unchanged.given) == (0, False)
    clock: Any = treating.Clock(300.0)
    assert healing._may_take_folds(FitWish(), clock)
    assert not healing._may_take_folds(FitWish(), treating.Clock(1.0))
    assert not healing._may_take_folds(FitWish(given=frozenset({"folds"})), clock)
    assert not healing._may_take_folds(FitWish(recipe=RecipeWish(recipe=after)), clock)
