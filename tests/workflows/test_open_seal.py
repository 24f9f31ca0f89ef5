"""An opening is spent on a score that is told, of the items that were sealed, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from kinds import at_hand, rows

import penjing as pj
from penjing.core import seal
from penjing.core.errors import DataError, RunError, UsageError
from penjing.core.events import Warned
from penjing.core.run import Run
from penjing.core.split import Split
from penjing.modalities import number
from penjing.workflows import open_seal


def fitted(place: Path, kind: str, table: pl.DataFrame) -> Run:
    """A run of the size and the colour of things whose table brings its parts: the last third is sealed."""
    found = at_hand(kind)
    place.mkdir(parents=True)
    parts = ["train"] * (len(table) - len(table) // 3) + ["test"] * (len(table) // 3)
    kept = table.select("size", "colour", found.wish["target"]).with_columns(split=pl.Series(parts))
    kept.write_csv(place / "table.csv")
    return pj.fit(place / "table.csv", recipe=found.filled, out=place / "run", watch=None, **found.wish)


def openings(run: Run) -> int:
    sealed = Split.read(run.path / "split.parquet").seal_id
    assert sealed is not None
    return len(seal.openings(sealed, run.path.absolute().parent))


def test_a_folder_that_takes_no_file_is_refused_before_the_opening(tmp_path: Path) -> None:
    run = fitted(tmp_path / "data", "table", rows())
    (run.path / ".writable").mkdir()
    with pytest.raises(RunError, match=r"cannot write .*\.writable: .*; check the folder's permissions"):
        pj.test(run, watch=None)
    assert openings(run) == 0


def test_a_metric_of_ones_own_that_is_gone_costs_no_opening(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text("def right(truth, probability):\n    return float((probability.argmax(1) == truth).mean())\n")
    rows = {"x": [row % 7 / 4 for row in range(120)], "kind": ["a", "b"] * 60}
    choices: Any = {"metric": f"{file}:right", "set": {"training.steps": 5}, "model": "tabular", "time": "10s"}
    run = pj.fit(rows, target="kind", out=tmp_path / "run", watch=None, **choices)
    file.unlink()
    with pytest.raises(UsageError, match=r"the metric .*own.py:right. cannot be loaded"):
        pj.test(run, data=rows, watch=None)
    assert openings(run) == 0


def test_a_score_that_cannot_be_kept_is_told_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fitted(tmp_path / "data", "table", rows())

    def full(*_: object, **__: object) -> None:
        raise RunError("no space left")

    monkeypatch.setattr(open_seal, "write_report", full)
    heard: list[object] = []
    dealt = pl.read_parquet(run.path / "split.parquet")
    assert pj.test(run, watch=heard.append).scores[0].n == len(dealt.filter(part="test"))
    assert [one.message for one in heard if isinstance(one, Warned)] == ["the score could not be kept: no space left"]
    assert openings(run) == 1


def test_who_stops_it_after_the_opening_is_told_that_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fitted(tmp_path / "data", "table", rows())

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(open_seal, "write_report", stopped)
    with pytest.raises(KeyboardInterrupt, match="had been opened by then, and opening 1 counts"):
        pj.test(run, watch=None)


def test_parts_that_were_dealt_anew_are_no_longer_the_sealed_ones(tmp_path: Path) -> None:
    run = fitted(tmp_path / "data", "table", rows())
    table = pl.read_csv(tmp_path / "data" / "table.csv")
    table.with_columns(split=table["split"].reverse()).write_csv(tmp_path / "data" / "table.csv")
    with pytest.raises(DataError, match="holds other test items than when"):
        pj.test(run, watch=None)
    assert openings(run) == 0


@pytest.mark.parametrize("verb", ["from", "treat", "diagnose"])
def test_nothing_goes_on_from_a_run_whose_seal_the_data_have_moved(verb: str, tmp_path: Path) -> None:
    run = fitted(tmp_path / "data", "table", rows())
    place = tmp_path / "data" / "table.csv"
    table = pl.read_csv(place)
    table.with_columns(split=table["split"].reverse()).write_csv(place)
    going_on: dict[str, Callable[[], object]] = {
        "from": lambda: pj.fit(place, parent=run, target="label", out=tmp_path / "next", watch=None),
        "treat": lambda: pj.treat(run, time="1m", watch=None),
        "diagnose": lambda: pj.diagnose(run, time="1m", watch=None),
    }
    with pytest.raises(DataError, match=r"holds other test items than when .* would be learned from and scored"):
        going_on[verb]()
    assert not (tmp_path / "next").exists()


def test_labels_are_told_by_their_names_whatever_labels_there_are_by_now(tmp_path: Path) -> None:
    table = rows().with_columns(tags=pl.when(pl.col("tags") == "").then(pl.lit("any")).otherwise("tags"))
    run = fitted(tmp_path / "data", "labels", table)
    before = pj.test(run, watch=None).scores
    place = tmp_path / "data" / "table.csv"
    # A label of its own on a row that is learned from, and first in the order of labels.
    first = pl.int_range(pl.len()) == 0
    pl.read_csv(place).with_columns(tags=pl.when(first).then(pl.lit("aaa|any")).otherwise("tags")).write_csv(place)
    assert [one.value for one in pj.test(run, watch=None).scores] == [one.value for one in before]
    last = pl.int_range(pl.len()) == pl.len() - 1
    pl.read_csv(place).with_columns(tags=pl.when(last).then(pl.lit("new")).otherwise("tags")).write_csv(place)
    with pytest.raises(DataError, match=r"labels that .* does not know"):
        pj.test(run, watch=None)
    assert openings(run) == 2


def test_the_network_that_is_kept_after_folds_has_learned_of_all_their_items(tmp_path: Path) -> None:
    found, table = at_hand("table"), rows().with_columns(pl.col("size").fill_null(1.0))
    table.select("size", "colour", "label").write_csv(tmp_path / "table.csv")
    wish = {**found.wish, "folds": 3}
    run = pj.fit(tmp_path / "table.csv", recipe=found.filled, out=tmp_path / "run", watch=None, **wish)
    dealt = pl.read_parquet(run.path / "split.parquet")
    sizes = table["size"].filter(dealt["part"] != "test")
    assert number.learn(sizes, number.Settings())["mean"] in flat(run.prepare["inputs"])


def flat(tree: object) -> list[object]:
    """All leaves of dicts and lists."""
    if isinstance(tree, dict):
        return [leaf for one in tree.values() for leaf in flat(one)]
    return [leaf for one in tree for leaf in flat(one)] if isinstance(tree, list) else [tree]
