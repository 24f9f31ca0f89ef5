"""Nothing that a run writes depends on what its test items hold: for sounds, texts and tables, as for pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from kinds import CLASSES, ITEMS, at_hand, rows, tone, write_files

import penjing as pj
from alike import written
from penjing.core.recipe import change

FILES = (
    *("model.safetensors", "prepare.json", "recipe.toml", "record.jsonl", "results.json", "unlike.npz"),
    *("predictions.parquet", "floor_items.json"),
)
# Of run.json: what names the test part or the folder, and what the clock and the machine say.
LEFT_OUT = {"seal", "title", "created", "finished", "seconds", "stalled_seconds", "elapsed_seconds", "cost", "command"}


def write_sounds(folder: Path, is_replaced: bool) -> Path:
    """The test sounds are others, four times as long, and under other labels."""
    write_files(folder / "train", tone, ".wav")
    write_files(folder / "test", tone, ".wav", first=500)
    if is_replaced:
        for number, path in enumerate(sorted((folder / "test").rglob("*.wav"))):
            label = path.parent.name
            path.unlink()
            other = CLASSES[CLASSES.index(label) - 1]
            (folder / "test" / other / f"new{number}.wav").write_bytes(tone(label, 900 + number, samples=6400))
    return folder


def write_rows(folder: Path, is_replaced: bool, *columns: str, target: str = "label") -> Path:
    """The test rows hold other words, numbers a thousand times as large, unknown categories, and other targets."""
    train = rows()
    test = rows(first=500).with_columns(pl.col("size").fill_null(pl.int_range(ITEMS) + 5.0))
    if is_replaced:
        new = rows(first=900).with_columns(pl.col("size").fill_null(pl.int_range(ITEMS) + 5.0))
        words = pl.lit("never heard of ") + new["review"].str.reverse()
        odd = [("green", "violet", "red")[row % 3] for row in range(ITEMS)]
        test = new.with_columns(
            review=words,
            size=pl.col("size") * 1000,
            colour=pl.Series(odd),
            label=new["label"].reverse(),
            price=new["price"] ** 3,
            tags=pl.Series(["large|any"] * (ITEMS - 2) + ["large", "any"]),
        )
    test = test.with_columns(tags=pl.when(pl.col("tags") == "").then(pl.lit("any")).otherwise("tags"))
    parts = [train.with_columns(split=pl.lit("train")), test.with_columns(split=pl.lit("test"))]
    folder.mkdir(parents=True)
    pl.concat(parts).select(*columns, target, "split").write_csv(folder / "table.csv")
    return folder / "table.csv"


def all_written(run: pj.Run) -> dict[str, Any]:
    """What is written, by file and part; without the report, which is made of these."""
    found: dict[str, Any] = {file: written(run.path, file) for file in FILES}
    for file in ("floor.npz", "pictures.npz"):  # an archive says when it was made
        if (run.path / file).exists():
            with np.load(run.path / file) as kept:
                names = [name for name in kept.files if name != "about"]  # which holds the seconds that it took
                found |= {f"{file}/{name}": kept[name].tolist() for name in names}
    if (run.path / "shown.parquet").exists():
        found["shown"] = (run.path / "shown.parquet").read_bytes()
    info = {name: value for name, value in run.info.items() if name not in LEFT_OUT}
    info["data"] = {name: value for name, value in info["data"].items() if name != "path"}
    return found | {f"run.json/{name}": value for name, value in info.items()}


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("sound", ()),
        ("text", ("review",)),
        ("table", ("size", "colour")),
        ("number", ("size", "colour")),
        ("labels", ("size", "colour")),
    ],
    ids=lambda one: str(one),
)
def test_test_items_replaced_change_nothing_that_is_written(
    kind: str, columns: tuple[str, ...], tmp_path: Path
) -> None:
    found = at_hand(kind)
    runs = []
    for name, is_replaced in (("before", False), ("after", True)):
        folder = tmp_path / name
        data = (
            write_rows(folder, is_replaced, *columns, target=found.wish["target"])
            if columns
            else write_sounds(folder, is_replaced)
        )
        runs.append(pj.fit(data, recipe=found.filled, out=tmp_path / f"run-{name}", watch=None, **found.wish))
    parts = [pl.read_parquet(run.path / "split.parquet").filter(part="test")["hash"] for run in runs]
    assert len(parts[0]) == len(parts[1]) == ITEMS
    assert not set(parts[0]) & set(parts[1])
    first, second = (all_written(run) for run in runs)
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []
    for run, hidden in zip(runs, parts, strict=True):
        assert not set(hidden) & set(run.predictions["hash"])
        assert not set(hidden) & shown_by(run)
        assert shown_by(run)


def shown_by(run: pj.Run) -> set[str]:
    """The hashes of the items that the report may show."""
    if (run.path / "shown.parquet").exists():
        return set(pl.read_parquet(run.path / "shown.parquet")["hash"])
    with np.load(run.path / "pictures.npz") as kept:
        return set(kept["hash"].tolist())


@pytest.mark.slow
def test_test_items_replaced_change_nothing_of_a_treatment(tmp_path: Path) -> None:
    found = at_hand("table")
    slow = change(found.filled, {"optimiser.rate": 1e-6})
    told, ledgers, new = [], [], []
    for name, is_replaced in (("before", False), ("after", True)):
        data = write_rows(tmp_path / name, is_replaced, "size", "colour")
        run = pj.fit(data, recipe=slow, out=tmp_path / f"run-{name}", watch=None, **found.wish)
        wish = {"remedies": ["usual_rate", "clip_gradient"], "time": 600, "out": tmp_path / f"new-{name}"}
        treated = pj.treat(run, watch=None, **wish)
        told.append([(one.remedy, one.outcome, one.why, one.difference) for one in treated.treated])
        ledgers.append([(line["what"], line["choice"], line["why"]) for line in run.ledger])
        new.append(treated.run)
    assert told[0] == told[1]
    assert ledgers[0] == ledgers[1]
    assert any(difference is not None for *_, difference in told[0])
    if new[0] is not None:
        first, second = (all_written(run) for run in new)
        named = [name for name in first if first[name] != second[name]]
        # Where it is, how much time was left, and what tells it from other runs: nothing of these comes from items.
        apart = ("run.json/parent", "run.json/deadline_seconds", "run.json/token")
        assert [name for name in named if name not in apart] == []
