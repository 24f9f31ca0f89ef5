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
from penjing.core.budget import Clock
from penjing.core.differences import Difference
from penjing.core.finding import Finding
from penjing.core.recipe import Recipe, SplitChoices
from penjing.core.run import Run
from penjing.workflows import _together
from penjing.workflows import heal as healing
from penjing.workflows import treat as treating
from penjing.workflows._allowance import Allowance
from penjing.workflows._choose import RecipeWish
from penjing.workflows._together import BY_TIME, DRIFT, FEW, FEW_GROUPS, NO_TIME, REMEDY, why_apart
from penjing.workflows._treatment import Treatment
from penjing.workflows._trials import Bench, Screened
from penjing.workflows._wish import FitWish
from penjing.workflows.diagnose import Diagnosis
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


def rows(train: int, valid: int, moved: float | None = None) -> pl.DataFrame:
    """A table whose class is the sign of x and y together; in validation x may be another measure, moved so far."""
    draw = np.random.default_rng(0)
    part = np.array(["train"] * train + ["valid"] * valid + ["test"] * 40)
    x, y = draw.normal(size=(2, len(part)))
    label = np.where(x + y > 0, "up", "down")
    shown = x if moved is None else np.where(part == "valid", moved - x, x)
    return pl.DataFrame({"x": shown, "y": y, "label": label, "part": part.tolist()})


def fitted(table: pl.DataFrame, folder: Path, **choices: Any) -> Run:
    recipe = Recipe.from_toml(RECIPE).filled()
    wished = {"target": "label", "recipe": recipe, "watch": None, **choices}
    return pj.fit(table, out=folder / "run", **wished)


def trial_of(run: Run, table: pl.DataFrame, **wished: Any) -> treating.Trial:
    """A treatment that has read its data."""
    trial = treating.Trial(run, treating.TreatWish(**wished), Clock(600.0), None, treating.diagnose(run))
    trial._open(table)
    return trial


def test_what_learns_from_both_kinds_is_kept_and_the_new_run_has_folds(tmp_path: Path) -> None:
    table = rows(160, 90, moved=5.0)
    run = fitted(table, tmp_path)
    found = pj.treat(run, time="2m", remedies=[REMEDY], data=table, out=tmp_path / "new", watch=None)
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
    assert lines[0]["choice"] == "training and validation items are taken together"
    assert lines[0]["why"] == "validation items are of another kind than those that are learned from"
    assert "the first one is of the items that validated, the second of all folds" in str(found).replace(
        "\n" + 7 * " ", " "
    )


def test_where_few_items_are_learned_from_and_many_validate_both_are_taken_together(tmp_path: Path) -> None:
    table = rows(24, 120).with_columns(x=pl.when(pl.col("part") == "valid").then(-pl.col("x")).otherwise("x"))
    trial = trial_of(fitted(table, tmp_path), table)
    (first,) = trial._plan.first
    assert (first.name, first.finding.name) == (REMEDY, FEW)
    assert (first.finding.level, first.finding.message) == ("info", "24 items are learned from, and 120 validate.")
    assert trial.bench.mixes_parts
    assert trial.time.growing == 6  # a network for each fold, and the one that is kept


def test_copies_of_what_is_learned_from_count_once(tmp_path: Path) -> None:
    table = rows(60, 80)
    learned = table.filter(pl.col("part") == "train")
    table = pl.concat([table, *[learned] * 2])
    (first,) = trial_of(fitted(table, tmp_path), table)._plan.first
    message = "180 items in 60 groups are learned from, and 80 validate."
    assert (first.name, first.finding.message) == (REMEDY, message)


def test_elsewhere_it_is_tried_at_last_on_top_of_what_is_kept(tmp_path: Path) -> None:
    table = rows(60, 40)
    slow = Recipe.from_toml(RECIPE.replace("0.01", "0.00001")).filled()
    run = fitted(table, tmp_path, recipe=slow)
    trial = trial_of(run, table)
    assert not trial.bench.mixes_parts
    assert trial.time.is_followed
    assert trial.time.growing == 1
    found = pj.treat(run, time="60s", data=table, out=tmp_path / "new", watch=None)
    told = {one.remedy: one for one in found.treated if one.difference is not None}
    assert told[REMEDY].finding == FEW
    assert told[REMEDY].difference is not None
    assert told[REMEDY].difference.units == 80  # folds of both parts; one chose
    lines = [line for line in run.ledger if line["what"] == "treatment"]
    assert lines[-1]["remedy"] == REMEDY  # after all others
    assert found.kept
    is_kept = told[REMEDY].outcome == "helped"
    assert (REMEDY in found.kept) == is_kept
    assert found.run is not None
    assert (found.run.recipe.split.folds > 0) == is_kept


def test_what_looked_no_better_by_one_fold_is_judged_by_the_others_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Bench.screen

    def unlucky(bench: Bench, recipe: Recipe, *given: Any, **named: Any) -> Screened:
        found = screen(bench, recipe, *given, **named)
        return replace(found, answer=np.roll(found.answer, 1, axis=1)) if recipe.split.folds else found

    monkeypatch.setattr(Bench, "screen", unlucky)
    table = rows(160, 90, moved=5.0)
    found = pj.treat(fitted(table, tmp_path), time="2m", remedies=[REMEDY], data=table, out=tmp_path / "n", watch=None)
    ((outcome, finding),) = [(one.outcome, one.finding) for one in found.treated]
    assert (outcome, finding) == ("helped", DRIFT)
    assert found.kept == (REMEDY,)
    assert found.run is not None
    assert found.run.recipe.split.folds == 5


def test_what_the_last_one_is_worth_on_top_of_the_others_is_said_apart() -> None:
    def worth(effect: float) -> Difference:
        return Difference(effect, effect - 0.01, effect + 0.01, 0.001, 9, 100)

    run: Any = SimpleNamespace(path=Path("run"), scores=())
    found = Treatment(
        run, Diagnosis("sick", (), (), ()), "accuracy", "folds", 3, kept=("augment", REMEDY), gain=worth(0.05)
    )
    both = "kept augment and cross_validate: accuracy +5.0 points [+4.0 to +6.0]"
    assert found.verdict == both
    apart = "kept augment: accuracy +5.0 points [+4.0 to +6.0], and cross_validate: +2.0 points [+1.0 to +3.0] more"
    assert replace(found, further=worth(0.02)).verdict == apart


def test_they_stay_apart_where_nobody_asks_for_folds_or_there_is_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = rows(160, 90, moved=5.0)
    run = fitted(table, tmp_path)
    for wished in ({"remedies": ("more_steps",)}, {"without": frozenset({REMEDY})}):
        trial = trial_of(run, table, **wished)
        assert not trial.bench.mixes_parts
        assert not trial._plan.first
    monkeypatch.setattr(treating.Trial, "_known_seconds", 500.0)
    trial = trial_of(run, table)
    assert not trial.bench.mixes_parts
    assert trial._plan.untimed == drift_of(trial)


def drift_of(trial: treating.Trial) -> Finding:
    (found,) = [one for one in trial.diagnosis.findings if one.name == DRIFT]
    return found


def test_where_the_first_training_shows_that_there_is_no_time_for_folds_none_are_tried(tmp_path: Path) -> None:
    table = rows(160, 90, moved=5.0)
    trial = trial_of(fitted(table, tmp_path), table)
    search: Any = SimpleNamespace(first=trial._plan.first, without=frozenset())
    trial._drop_folds_without_time(search, 0.1)
    assert (trial.time.growing, search.first) == (6, trial._plan.first)
    trial._drop_folds_without_time(search, 40.0)
    assert (trial.time.growing, search.first, search.without) == (1, (), {REMEDY})
    assert trial._plan.untimed == drift_of(trial)


def test_where_there_is_no_time_for_folds_that_is_said_as_of_any_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_together, "why_apart", lambda *_: NO_TIME)
    table = rows(160, 90, moved=5.0)
    found = pj.treat(fitted(table, tmp_path), time="2m", remedies=[REMEDY], data=table, watch=None)
    assert [(one.remedy, one.outcome, one.why) for one in found.treated] == [(REMEDY, "not tried", NO_TIME)]
    assert found.run is None
    assert "more --time tries the rest" in found.verdict


@pytest.mark.parametrize(
    ("columns", "groups", "seconds", "reason"),
    [(["when"], 40, 1.0, BY_TIME), ([], 9, 1.0, FEW_GROUPS), ([], 10, 1.0, ""), ([], 10, 9.0, NO_TIME)],
)
def test_why_they_stay_apart(columns: list[str], groups: int, seconds: float, reason: str) -> None:
    parts = {"train": np.arange(100), "valid": np.arange(100, 140)}
    prepared = SimpleNamespace(rows=parts.__getitem__, groups=np.arange(140) % groups)
    bench: Any = SimpleNamespace(prepared=prepared, has_time=bool(columns))
    assert why_apart(bench, Allowance(Clock(100.0), 3, 6, has_folds=True), seconds) == reason


def test_folds_that_helped_are_those_of_the_run_that_heals_itself() -> None:
    before = Recipe().filled()
    after = replace(before, split=SplitChoices(folds=5))
    wish = healing._with(FitWish(), Healed([], before, after))
    assert (wish.data.folds, "folds" in wish.given) == (5, True)
    unchanged = healing._with(FitWish(), Healed([], before, replace(before, seed=1)))
    assert (unchanged.data.folds, "folds" in unchanged.given) == (0, False)
    clock: Any = Clock(300.0)
    assert healing._may_take_folds(FitWish(), clock)
    assert not healing._may_take_folds(FitWish(), Clock(1.0))
    assert not healing._may_take_folds(FitWish(given=frozenset({"folds"})), clock)
    assert not healing._may_take_folds(FitWish(recipe=RecipeWish(recipe=after)), clock)
