"""A process that is killed while it learns leaves a run that goes on to the very weights, for every kind of data."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kills import killed_fit
from kinds import at_hand

import penjing as pj
from alike import written

KEPT = ("model.safetensors", "record.jsonl", "results.json", "predictions.parquet", "prepare.json", "unlike.npz")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["table", "text", "sound", "video", "image and text", "pretrained"])
def test_a_killed_process_leaves_a_run_that_ends_as_if_nothing_had_been(
    kind: str, learned: Callable[[str], pj.Run], tmp_path: Path
) -> None:
    found = at_hand(kind)
    data = found.write(tmp_path / "data")
    (tmp_path / "recipe.toml").write_text(found.filled.to_toml(), encoding="utf-8")
    target = [f"--target={found.wish['target']}"] if "target" in found.wish else []
    out = tmp_path / "运行"
    killed_fit(7, "*", data, "--recipe", tmp_path / "recipe.toml", "--out", out, "--no-pictures", *target)
    assert not (out / "model.safetensors").exists()
    resumed, whole = pj.resume(out, watch=None), learned(kind)
    assert resumed.status == "finished"
    for file in KEPT:
        assert written(resumed.path, file) == written(whole.path, file), file


@pytest.mark.slow
@pytest.mark.parametrize(("where", "moment"), [("pretrained", 3), ("run", 9)])
def test_killed_in_the_race_with_pretrained_features_the_plan_of_both_goes_on(
    where: str, moment: int, tmp_path: Path
) -> None:
    """There is no whole run to compare with, for the clock chose the steps: a replay of the recipe has its bits."""
    data = at_hand("pretrained").write(tmp_path / "data")
    out = tmp_path / "run"
    # more time than so few steps take: on a slow machine the encoder would be left out of a short one
    wishes = ("--time", "90s", "--set", "training.steps=60", "--folds", "0", "--pretrained", "efficientnet_lite0")
    killed_fit(moment, where, data, "--out", out, *wishes)
    resumed = pj.resume(out, watch=None)
    assert resumed.status == "finished"
    assert {entry["what"] for entry in resumed.ledger} >= {"network", "size"}
    again = pj.fit(data, recipe=resumed.path, out=tmp_path / "again", watch=None)
    assert (again.path / "model.safetensors").read_bytes() == (out / "model.safetensors").read_bytes()
