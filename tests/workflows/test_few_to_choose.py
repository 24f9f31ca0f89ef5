"""Where only a handful of items would validate, folds of all of them choose instead; what a person says goes first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penjing.core.budget import Clock
from penjing.core.split import FEWEST_TO_CHOOSE, FOLDS_WITHOUT_TEST
from penjing.sources import Options
from penjing.workflows._choose import RecipeWish
from penjing.workflows._prepare import DataWish, Prepared, prepare
from penjing.workflows._wish import FitWish, settled


def table(parts: list[str] | None, rows: int) -> pl.DataFrame:
    """Rows of one number and one class, with the parts that they name themselves."""
    numbers = np.random.default_rng(0).normal(size=rows)
    frame = pl.DataFrame({"x": numbers, "y": np.where(numbers > 0, "high", "low")})
    return frame if parts is None else frame.with_columns(pl.Series("part", parts))


def dealt(frame: pl.DataFrame, fewest: int = FEWEST_TO_CHOOSE) -> Prepared:
    split = "part" if "part" in frame.columns else ""
    wish = DataWish(Options(target="y", split=split), fewest_to_choose=fewest)
    return prepare(frame, wish, Clock(600.0, is_binding=False))


@pytest.mark.parametrize("parts", [["train"] * 40 + ["test"] * 60, None])
def test_folds_choose_where_hardly_any_items_would_validate(parts: list[str] | None) -> None:
    frame = table(parts, 100)
    plain, folded = dealt(frame, fewest=0), dealt(frame)
    valid = plain.split.counts["valid"]
    assert 0 < valid < FEWEST_TO_CHOOSE
    assert plain.split.folds == 0
    assert folded.split.folds == FOLDS_WITHOUT_TEST
    assert folded.split.counts == plain.split.counts
    assert folded.split.seal_id == plain.split.seal_id
    outside = 100 - plain.split.counts["test"]
    assert folded.said[-1] == (
        f"{valid} validation items are too few to choose by, so 5 folds of all {outside} items outside the test part "
        f"do (--folds 0 keeps to the {valid})"
    )


def test_the_validation_items_that_the_data_name_are_kept_however_few() -> None:
    found = dealt(table(["train"] * 40 + ["valid"] * 5 + ["test"] * 55, 100))
    assert found.split.folds == 0
    assert found.split.counts["valid"] == 5


def test_enough_validation_items_are_kept() -> None:
    found = dealt(table(None, 300))
    assert found.split.folds == 0
    assert found.split.counts["valid"] >= FEWEST_TO_CHOOSE


def test_folds_nobody_asked_for_need_time_and_a_free_hand(tmp_path: Path) -> None:
    usual = FitWish(seconds=60.0)
    assert settled(usual)[0].data.fewest_to_choose == FEWEST_TO_CHOOSE
    assert settled(replace(usual, seconds=None))[0].data.fewest_to_choose == FEWEST_TO_CHOOSE
    for other in (
        replace(usual, seconds=20.0),
        replace(usual, given=frozenset({"folds"})),
        replace(usual, recipe=RecipeWish(assignments={"training.steps": 10})),
    ):
        assert settled(other)[0].data.fewest_to_choose == 0
