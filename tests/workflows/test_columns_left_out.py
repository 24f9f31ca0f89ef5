"""Columns that a recipe does not name are read and not learned from, in trials and in the run that is made of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from kinds import rows

import penjing as pj
from penjing.core.recipe import Recipe
from penjing.core.table import Column
from penjing.workflows._limits import Limits
from penjing.workflows._slots import TableSlot, narrowed
from penjing.workflows._trials import Bench, Deal, Screened

ROWS, AMPLE = 240, 60
STEPS = {"training.steps": 30, "machine.threads": 1}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table whose rows are numbered from the top, and a run that learns from the numbers, as was asked."""
    folder = tmp_path_factory.mktemp("numbered")
    draw = np.random.default_rng(0)
    age, height = draw.normal(size=(2, ROWS))
    label = np.where(age + height > 0, "yes", "no")
    frame = pl.DataFrame({"row": np.arange(ROWS), "age": age, "height": height, "label": label})
    frame.write_csv(folder / "rows.csv")
    wishes: dict[str, Any] = {"types": {"row": "number"}, "set": STEPS, "time": AMPLE}
    pj.fit(folder / "rows.csv", out=folder / "run", watch=None, **wishes)
    return folder


def columns_learned(run: pj.Run) -> list[str]:
    return list(run.prepare["inputs"]["table"]["columns"])


def test_a_table_without_some_columns_learns_anew_what_is_left() -> None:
    cells = pl.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    slot = TableSlot((Column("a", "input", "number"), Column("b", "input", "number")), cells)
    rows = np.array([0, 1])
    assert slot.features(rows, rows).raw.shape == (2, 2)
    assert slot.narrowed(["b"]).features(rows, rows).raw.shape == (2, 1)
    assert slot.narrowed(["a", "b"]) is slot.narrowed(["c"]) is slot.narrowed([]) is slot
    (narrow,) = narrowed([slot], ["b", "c"])
    assert [column.name for column in narrow.columns] == ["b"]
    assert narrow.item_shape(narrow.learn(rows)) == (1,)


def test_a_recipe_without_a_column_gives_a_run_that_never_asks_for_it(place: Path, tmp_path: Path) -> None:
    origin = pj.Run(place / "run")
    assert columns_learned(origin) == ["row", "age", "height"]
    recipe = replace(origin.recipe, data=replace(origin.recipe.data, inputs=("age", "height")))
    run = pj.fit(place / "rows.csv", recipe=recipe, types={"row": "number"}, out=tmp_path / "run", watch=None)
    assert run.recipe.data.inputs == ("age", "height")
    assert columns_learned(run) == ["age", "height"]
    assert "Not learned from, as the recipe has it: row" in run.info["said"]
    parts = [pl.read_parquet(one.path / "split.parquet").select("hash", "part") for one in (origin, run)]
    assert parts[0].equals(parts[1])  # items are told apart by all they hold
    new = pl.read_csv(place / "rows.csv").drop("row", "label")
    assert pj.predict(run, new, watch=None).frame.height == ROWS
    assert pj.test(run, watch=None).scores[0].n > 0
    further = pj.fit(place / "rows.csv", parent=run, time=AMPLE, out=tmp_path / "further", watch=None)
    assert columns_learned(further) == ["age", "height"]


def test_inputs_that_are_named_go_before_those_of_a_recipe(place: Path, tmp_path: Path) -> None:
    recipe = pj.Run(place / "run").recipe
    recipe = replace(recipe, data=replace(recipe.data, inputs=("age",)))
    run = pj.fit(place / "rows.csv", recipe=recipe, inputs=["age", "height"], out=tmp_path / "run", watch=None)
    assert columns_learned(run) == ["age", "height"]


def test_a_recipe_for_other_columns_takes_all_that_there_are(place: Path, tmp_path: Path) -> None:
    origin = pj.Run(place / "run")
    recipe = replace(origin.recipe, data=replace(origin.recipe.data, inputs=("width", "depth")))
    run = pj.fit(place / "rows.csv", recipe=recipe, types={"row": "number"}, out=tmp_path / "run", watch=None)
    assert columns_learned(run) == ["row", "age", "height"]


def test_columns_that_number_the_rows_are_left_out_where_that_helps(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, ...]] = []

    def guess(bench: Bench, recipe: Recipe, deal: Deal, limits: Limits | None = None) -> Screened:
        problem = bench._problem(recipe, deal, AMPLE)
        (shape,) = problem.shape.values()
        seen.append((*recipe.data.inputs, str(shape)))
        draw, truth = np.random.default_rng([recipe.seed, len(deal.judged)]), bench.prepared.truth[deal.judged]
        knows = 0.6 if "row" in recipe.data.inputs else 0.95
        said = np.where(draw.random(len(truth)) < knows, truth, 1 - truth)
        history = [{"step": 30, "value": 0.5, "train/loss": 1.0, "valid/loss": 1.0}]
        return Screened(0.9 * np.eye(2, dtype=np.float32)[said] + 0.05, history, 0.01)

    monkeypatch.setattr(Bench, "train", guess)
    found = pj.treat(place / "run", time=AMPLE, remedies=["leave_out_columns"], out=tmp_path / "new", watch=None)
    assert "id_columns" in [one.name for one in found.diagnosis.findings]
    assert found.kept == ("leave_out_columns",)

    assert len({one[-1] for one in seen}) == 2  # the network has fewer values to look at
    assert found.run is not None
    assert columns_learned(found.run) == ["age", "height"]


def test_a_text_that_is_called_table_is_told_from_the_numbers_beside_it() -> None:
    frame = rows().select("review", "size", "colour", "label").rename({"review": "table"})
    prepared = pj.inspect(frame, target="label", watch=None).prepared
    names = {slot.name: [column.name for column in slot.columns] for slot in prepared.slots}
    assert names == {"table": ["table"], "table_": ["size", "colour"]}
