"""Runs held against each other, on run folders made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penjing.core.recipe import DataChoices, Recipe
from penjing.core.run import Run, create
from penjing.workflows.compare import _gained, compare, differences

ITEMS = 200


def made(folder: Path, right: np.ndarray, group: np.ndarray | None) -> Run:
    """A run that answers `ITEMS` validation items, those marked rightly; without groups it has no split."""
    run = create(folder, "pictures", {})
    run.write_recipe(Recipe().filled())
    hashes = [f"{row:04d}" for row in range(ITEMS)]
    answers = {"model": "network", "hash": hashes, "target": "a", "predicted": np.where(right, "a", "b")}
    pl.DataFrame(answers).write_parquet(folder / "predictions.parquet")
    if group is not None:
        dealt = {"hash": hashes, "name": hashes, "group": group, "part": "valid", "fold": -1}
        pl.DataFrame(dealt).write_parquet(folder / "split.parquet")
    return run


def pair(tmp_path: Path, *groups: np.ndarray | None) -> tuple[Run, Run]:
    """Two runs: the second is right where the first is, and about a whole tenth of the items more."""
    before = np.arange(ITEMS) % 10 >= 3
    after = before | (np.arange(ITEMS) // 20 == 4)
    return made(tmp_path / "first", before, groups[0]), made(tmp_path / "second", after, groups[-1])


def test_the_group_is_the_witness_and_not_the_item(tmp_path: Path) -> None:
    tenths = np.arange(ITEMS) // 20
    (tmp_path / "alone").mkdir()
    (tmp_path / "grouped").mkdir()
    alone = compare(pair(tmp_path / "alone", np.arange(ITEMS))).others[0]
    grouped = compare(pair(tmp_path / "grouped", tenths)).others[0]
    assert alone.more_right is not None
    assert grouped.more_right is not None
    assert alone.more_right.value == grouped.more_right.value == pytest.approx(0.03)
    assert alone.verdict == "better"
    # All that was gained was gained in one group of ten: no proof.
    assert grouped.verdict == "no clear difference"
    assert (alone.more_right.units, grouped.more_right.units) == (ITEMS, 10)


def test_the_number_of_groups_is_said_where_items_are_grouped(tmp_path: Path) -> None:
    lines = compare(pair(tmp_path, np.arange(ITEMS) // 20)).lines()
    assert any("on 200 shared validation items in 10 groups (one seed each)" in line for line in lines)


def test_without_groups_nothing_is_said_of_them(tmp_path: Path) -> None:
    lines = compare(pair(tmp_path, np.arange(ITEMS))).lines()
    assert any("on 200 shared validation items (one seed each)" in line for line in lines)


def test_items_that_only_one_of_two_splits_keeps_together_are_one_witness(tmp_path: Path) -> None:
    gain = compare(pair(tmp_path, np.arange(ITEMS), np.arange(ITEMS) // 20)).others[0].more_right
    assert gain is not None
    assert gain.units == 10


def test_runs_without_a_split_are_compared_item_by_item(tmp_path: Path) -> None:
    gain = compare(pair(tmp_path, None)).others[0].more_right
    assert gain is not None
    assert gain.units == ITEMS


@pytest.mark.parametrize(("error", "verdict"), [(0.5, "better"), (1.0, "no clear difference"), (2.0, "worse")])
def test_numbers_are_held_against_each_other_by_how_far_off_they_are(
    tmp_path: Path, error: float, verdict: str
) -> None:
    draw = np.random.default_rng(0)
    target = draw.normal(10.0, 2.0, ITEMS)
    off = draw.normal(size=(2, ITEMS))
    runs = []
    for name, wrong in (("first", off[0]), ("second", error * off[1])):
        run = made(tmp_path / name, np.ones(ITEMS, bool), np.arange(ITEMS))
        answers = pl.read_parquet(run.path / "predictions.parquet")
        answers = answers.with_columns(target=pl.Series(target), predicted=pl.Series(target + wrong))
        answers.write_parquet(run.path / "predictions.parquet")
        runs.append(run)
    comparison = compare(runs)
    found = comparison.others[0]
    assert found.verdict == verdict
    assert found.more_right is not None
    explained = [
        1 - np.square(wrong).sum() / np.square(target - target.mean()).sum() for wrong in (off[0], error * off[1])
    ]
    assert found.more_right.value == pytest.approx(explained[1] - explained[0])
    assert any(f"{verdict}: R² " in line for line in comparison.lines())
    # A run that tells classes shares no answers with one that tells numbers.
    other = compare([runs[0], made(tmp_path / "classes", np.ones(ITEMS, bool), None)]).others[0]
    assert (other.shared, other.verdict) == (0, "no shared answers: their targets are of different kinds")


def test_one_group_is_no_proof_that_numbers_are_nearer(tmp_path: Path) -> None:
    target = np.random.default_rng(0).normal(10.0, 2.0, ITEMS)
    runs = []
    for name, wrong in (("first", 1.0), ("second", 0.1)):
        run = made(tmp_path / name, np.ones(ITEMS, bool), np.zeros(ITEMS, int))
        answers = pl.read_parquet(run.path / "predictions.parquet")
        answers = answers.with_columns(target=pl.Series(target), predicted=pl.Series(target + wrong))
        answers.write_parquet(run.path / "predictions.parquet")
        runs.append(run)
    found = compare(runs).others[0]
    assert found.more_right is not None
    assert found.more_right.units == 1
    assert found.more_right.value > 0.1
    assert found.verdict == "no clear difference"


def test_labels_are_right_where_all_of_an_item_are_whatever_their_order() -> None:
    both = pl.DataFrame(
        {
            "target": [["a", "b"], [], ["b"]],
            "predicted": [["a"], [], ["a"]],
            "predicted_after": [["b", "a"], [], ["a"]],
        },
        schema=dict.fromkeys(("target", "predicted", "predicted_after"), pl.List(pl.String)),
    )
    gain, name = _gained(both)
    assert gain.tolist() == [1.0, 0.0, 0.0]
    assert name == "accuracy"


def test_recipes_differ_in_the_columns_and_items_that_they_leave_out() -> None:
    whole = Recipe(data=DataChoices(inputs=("size", "number"), classes=("a", "b")))
    less = Recipe(data=DataChoices(inputs=("size",), classes=("a", "b"), drop=("1f", "2e"), relabel={"3d": "a"}))
    assert differences(whole, less) == {
        "data.inputs": ("size, number", "size"),
        "data.drop": (0, 2),
        "data.relabel": (0, 1),
    }
    many = Recipe(data=DataChoices(inputs=tuple(f"x{number}" for number in range(12))))
    assert differences(whole, many) == {"data.inputs": ("size, number", "12 columns")}


def test_why_nothing_can_be_compared_is_said(tmp_path: Path) -> None:
    first, second = pair(tmp_path, None)
    (second.path / "predictions.parquet").unlink()
    assert compare([first, second]).others[0].verdict == f"{second.path} has no predictions to compare"
    runs = []
    for name, hashes in (("one", "a"), ("same", "a"), ("apart", "b")):
        run = made(tmp_path / name, np.ones(ITEMS, bool), None)
        answers = pl.read_parquet(run.path / "predictions.parquet")
        answers = answers.with_columns(target=pl.lit(3.0), predicted=pl.lit(3.5), hash=hashes + pl.col("hash"))
        answers.write_parquet(run.path / "predictions.parquet")
        runs.append(run)
    same, apart = compare(runs).others
    assert (same.shared, same.verdict) == (
        ITEMS,
        "the shared validation items are all of one number, so nothing tells",
    )
    assert (apart.shared, apart.verdict) == (0, "no shared validation items")
    assert any(line.strip() == same.verdict for line in compare(runs).lines())
