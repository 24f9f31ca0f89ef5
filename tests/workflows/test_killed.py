"""A process that is killed while it learns leaves a run that goes on to the very weights, for every kind of data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import at_hand

import penjing as pj

DYING = """
import os, signal, sys
from penjing.cli import run_command
from penjing.training import _loop, engine

_loop.CHECKPOINT_SECONDS = 0.0
keep, moment, where = engine._keep, int(sys.argv[1]), sys.argv[2]

def keep_and_die(folder, step, recipe, state):
    keep(folder, step, recipe, state)
    if state.step >= moment and folder.match(where):
        os.kill(os.getpid(), signal.SIGKILL)

engine._keep = keep_and_die
run_command(sys.argv[3:])
"""
KEPT = ("model.safetensors", "record.jsonl", "results.json", "predictions.parquet", "prepare.json", "unlike.npz")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")


def killed_fit(moment: int, where: str, *words: Any) -> None:
    """Carry out a fit in a process of its own until it has kept a checkpoint at that step in that folder."""
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(moment), where, "fit", *map(str, words), "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    "kind",
    [
        "table",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("text", "sound", "video", "image and text", "pretrained")
        ),
    ],
)
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
        assert (resumed.path / file).read_bytes() == (whole.path / file).read_bytes(), file


@pytest.mark.slow
@pytest.mark.parametrize("where", ["pretrained", "run"])
def test_killed_in_the_race_with_pretrained_features_the_plan_of_both_goes_on(where: str, tmp_path: Path) -> None:
    """There is no whole run to compare with, for the clock chose the steps: a replay of the recipe has its bits."""
    data = at_hand("pretrained").write(tmp_path / "data")
    out = tmp_path / "run"
    killed_fit(9, where, data, "--time", "20s", "--out", out, "--pretrained", "efficientnet_lite0")
    resumed = pj.resume(out, watch=None)
    assert resumed.status == "finished"
    assert {entry["what"] for entry in resumed.ledger} >= {"network", "size"}
    again = pj.fit(data, recipe=resumed.path, out=tmp_path / "again", watch=None)
    assert (again.path / "model.safetensors").read_bytes() == (out / "model.safetensors").read_bytes()
