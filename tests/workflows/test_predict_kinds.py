"""A fitted run of any kind answers for its validation items as its folder says, whatever they are handed over in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from kinds import ITEMS, KINDS, at_hand

import penjing as pj
from penjing.cli import run_command
from penjing.core.run import Run

# Files are decoded once more, by whatever is handed over; cells are encoded once more.
AS_EXACT = {"atol": 1e-5, "rtol": 1e-5}
FILES = {"sound": ".wav", "video": ".avi", "pretrained": ".png"}
TABLES = tuple(kind for kind in KINDS if kind not in FILES)
SLOW = {"video", "pretrained"}
Learned = Callable[[str], Run]


def kinds(*names: str) -> Any:
    marked = [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in names]
    return pytest.mark.parametrize("kind", marked)


def kept(run: Run) -> pl.DataFrame:
    """What the chosen network said of the validation items."""
    return run.predictions.filter(pl.col("model") == "network")


def answers(found: Any) -> np.ndarray:
    """Float[items, outputs]: probabilities, or the numbers."""
    return found.probability if hasattr(found, "probability") else found.frame["prediction"].to_numpy()[:, None]


def expected(run: Run) -> np.ndarray:
    return np.array(kept(run)["probability"].to_list())


def data_of(run: Run) -> Path:
    return Path(run.info["data"]["path"])


def frame_of(run: Run) -> pl.DataFrame:
    """The validation rows, without what is to be told, in the order of the predictions; files by their whole path."""
    table = pl.read_csv(data_of(run))
    rows = kept(run)["name"].str.extract(r"row (\d+)").cast(pl.Int64) - 1
    targets = [name for name in ("label", "price", "tags") if name in table.columns]
    found = table[rows.to_list()].drop(targets)
    if "image" in found.columns:
        found = found.with_columns(image=f"{data_of(run).parent}/" + pl.col("image"))
    return found


@kinds(*FILES)
def test_files_are_answered_as_they_were_validated(kind: str, learned: Learned, tmp_path: Path) -> None:
    at_hand(kind)
    run = learned(kind)
    paths = [data_of(run) / name for name in kept(run)["name"]]
    assert len(paths) == 10
    folder = tmp_path / "新的"
    folder.mkdir()
    for number, path in enumerate(paths):
        (folder / f"{number}{FILES[kind]}").write_bytes(path.read_bytes())
    table = tmp_path / "new.csv"
    pl.DataFrame({"file": [str(path) for path in paths]}).write_csv(table)
    column = run.recipe.data.inputs[0]
    ways = {
        "files": paths,
        "folder": folder,
        "pattern": str(folder / f"*{FILES[kind]}"),
        "table": table,
        "frame": pl.DataFrame({column: [str(path) for path in paths]}),
        "bytes in a frame": pl.DataFrame({column: [path.read_bytes() for path in paths]}),
        "bytes in a dict": {column: [{"bytes": path.read_bytes(), "path": path.name} for path in paths]},
        "series of paths": pd.Series([str(path) for path in paths]),
        "series of bytes": pd.Series([path.read_bytes() for path in paths]),
    }
    for way, given in ways.items():
        found = pj.predict(run, given, watch=None)
        np.testing.assert_allclose(answers(found), expected(run), err_msg=way, **AS_EXACT)
        assert found.frame["prediction"].to_list() == kept(run)["predicted"].to_list(), way
    (one,) = pj.predict(run, paths[0], watch=None)
    assert one.label == kept(run)["predicted"][0]


@kinds(*FILES)
def test_a_corrupt_file_is_named_and_the_others_are_answered(kind: str, learned: Learned, tmp_path: Path) -> None:
    at_hand(kind)
    run = learned(kind)
    paths = [data_of(run) / name for name in kept(run)["name"]][:2]
    (tmp_path / f"0{FILES[kind]}").write_bytes(paths[0].read_bytes())
    (tmp_path / f"1{FILES[kind]}").write_bytes(paths[1].read_bytes()[:40])
    (tmp_path / f"2{FILES[kind]}").touch()
    (tmp_path / f"3{FILES[kind]}").write_bytes(paths[1].read_bytes())
    found = pj.predict(run, tmp_path, watch=None)
    np.testing.assert_allclose(answers(found), expected(run)[:2], **AS_EXACT)
    assert [Path(one.path).stem for one in found.unreadable] == ["1", "2"]
    assert all(one.reason for one in found.unreadable)


@kinds(*TABLES)
def test_rows_are_answered_as_they_were_validated(kind: str, learned: Learned, tmp_path: Path) -> None:
    run = learned(kind)
    frame = frame_of(run)
    table = tmp_path / "新.csv"
    frame.write_csv(table)
    ways = {"csv": table, "frame": frame, "dict": frame.to_dict(as_series=False), "rows": frame.to_dicts()}
    for way, given in ways.items():
        found = pj.predict(run, given, watch=None)
        np.testing.assert_allclose(answers(found), expected(run), err_msg=way, **AS_EXACT)
    said = found.frame["prediction"].to_list()
    told = kept(run)["predicted"].to_list()
    if kind == "labels":
        assert said == ["|".join(labels) for labels in told]
    elif kind == "number":
        np.testing.assert_allclose(said, told, **AS_EXACT)
    else:
        assert said == told
    everything = pj.predict(run, data_of(run), watch=None)
    assert len(everything) + len(everything.unreadable) == ITEMS


@kinds("sound", "text", "number", "labels", "image and text", "pretrained")
def test_the_command_line_answers_as_python_does(
    kind: str, learned: Learned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at_hand(kind)
    run = learned(kind)
    if kind in FILES:
        given = [str(data_of(run) / name) for name in kept(run)["name"]]
    else:
        frame_of(run).write_csv(tmp_path / "new.csv")
        given = [str(tmp_path / "new.csv")]
    assert run_command(["predict", str(run.path), *given, "--out", str(tmp_path / "said.csv"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    python = pj.predict(run, given, watch=None)
    assert document == json.loads(json.dumps({**python.to_dict(), **{k: document[k] for k in document if k == "out"}}))
    written = pl.read_csv(tmp_path / "said.csv")
    assert len(written) == len(kept(run)) >= 7
    columns = [f"p_{name}" for name in run.prepare["classes"]] if "p_" in "".join(written.columns) else ["prediction"]
    np.testing.assert_allclose(written.select(columns).to_numpy(), expected(run), **AS_EXACT)


def test_an_input_that_is_missing_is_survived_and_said(learned: Learned) -> None:
    run = learned("image and text")
    frame = frame_of(run)
    for name in ("image", "review"):
        told: list[Any] = []
        left = frame.filter(pl.any_horizontal(pl.exclude(name).is_not_null())).drop(name)
        found = pj.predict(run, left, watch=told.append)
        assert len(found) == len(left)
        assert any(f'no column "{name}": treated as missing' in str(event) for event in told)
        np.testing.assert_allclose(found.probability.sum(axis=1), 1, atol=1e-5)


def test_a_corrupt_picture_in_a_mix_is_named_and_the_other_rows_are_answered(learned: Learned, tmp_path: Path) -> None:
    run = learned("image and text")
    frame = frame_of(run)
    (tmp_path / "bad.png").write_bytes(b"\x89PNG but no more")
    images = [str(tmp_path / "bad.png"), *frame["image"].to_list()[1:]]
    found = pj.predict(run, frame.with_columns(image=pl.Series(images)), watch=None)
    (bad,) = found.unreadable
    assert "bad.png" in bad.path
    np.testing.assert_allclose(found.probability, expected(run)[1:], **AS_EXACT)
