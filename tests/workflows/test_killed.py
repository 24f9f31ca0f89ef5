"""A process that is killed while it learns leaves a run that goes on to the very weights, for every kind of data."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kills import killed_fit
from kinds import at_hand
from polars.testing import assert_frame_equal

import penjing as pj
from alike import written
from penjing.core.recipe import Recipe
from penjing.training import engine

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


@pytest.mark.slow
def test_a_network_that_had_not_begun_keeps_to_the_deadline_after_all(tmp_path: Path) -> None:
    data = at_hand("pretrained").write(tmp_path / "data")
    out = tmp_path / "run"
    wishes = ("--time", "40s", "--set", "training.steps=1000000", "--folds", "0", "--pretrained", "efficientnet_lite0")
    killed_fit(3, "pretrained", data, "--out", out, *wishes)
    begun = time.monotonic()
    assert pj.resume(out, watch=None).status == "finished"
    assert time.monotonic() - begun < 120
    assert Recipe.read(out / "recipe.toml").training.replans


class Killed(BaseException):
    """Stands for `kill -9`: nothing handles it."""


def stopped_beside_a_head(
    place: Path, monkeypatch: pytest.MonkeyPatch, folds: int, is_time: Callable[[Path, int], bool]
) -> tuple[Path, pj.Run]:
    """The data, and a run of them that Ctrl-C stopped at a checkpoint of the network from scratch: its head on features
    from elsewhere had been trained by then.

    Args:
        is_time: (folder of the checkpoint, update) → whether that is the one.
    """
    data = at_hand("pretrained").write(place / "data")
    monkeypatch.setattr("penjing.training._loop.CHECKPOINT_SECONDS", 0.0)
    keep = engine._keep

    def keep_and_stop(folder: Path, step: int, *rest: Any) -> None:
        keep(folder, step, *rest)
        if is_time(folder, rest[-1].step):
            raise KeyboardInterrupt

    wishes: dict[str, Any] = {"set": {"training.steps": 60}, "pretrained": "efficientnet_lite0"}
    with monkeypatch.context() as patched:
        patched.setattr(engine, "_keep", keep_and_stop)
        with pytest.raises(KeyboardInterrupt):
            pj.fit(data, out=place / "run", time=90, folds=folds, watch=None, pictures=False, **wishes)
    stopped = pj.Run(place / "run")
    assert stopped.status == "interrupted"
    assert stopped.recipe.pretrained  # what was measured of the other network by then was no better
    return data, stopped


def killed_again(run: pj.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on with a run until its network from scratch has kept a checkpoint, and end there as `kill -9` would."""
    keep = engine._keep

    def keep_and_die(folder: Path, *rest: Any) -> None:
        keep(folder, *rest)
        if folder == run.path:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(engine, "_keep", keep_and_die)
        with pytest.raises(Killed):
            pj.resume(run, watch=None)


@pytest.mark.slow
def test_a_run_stopped_with_a_head_on_pretrained_features_goes_on_with_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_time(folder: Path, step: int) -> bool:
        return step >= 3 and folder.name == "run"

    data, stopped = stopped_beside_a_head(tmp_path, monkeypatch, 0, is_time)
    answer = pj.predict(stopped, data, watch=None).frame
    (moved := tmp_path / "moved").mkdir()
    data.rename(moved / "data")
    with pytest.raises(pj.DataError):
        pj.resume(stopped, watch=None)
    (moved / "data").rename(data)
    assert_frame_equal(pj.predict(stopped, data, watch=None).frame, answer)
    for _ in range(2):  # killed where the network from scratch goes on, and killed again
        killed_again(stopped, monkeypatch)
        assert_frame_equal(pj.predict(stopped, data, watch=None).frame, answer)
    resumed = pj.resume(stopped, watch=None)
    assert resumed.status == "finished"
    assert not list(resumed.path.rglob("aside"))
    again = pj.fit(data, recipe=resumed.path, out=tmp_path / "again", watch=None, pictures=False)
    assert (again.path / "model.safetensors").read_bytes() == (resumed.path / "model.safetensors").read_bytes()


@pytest.mark.slow
def test_a_run_stopped_in_a_fold_of_the_second_network_keeps_the_head_and_goes_on_with_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, stopped = stopped_beside_a_head(tmp_path, monkeypatch, 2, lambda folder, _: folder.match("run/folds/1"))
    assert len(pj.predict(stopped, data, watch=None).frame) == len(list(data.rglob("*.png")))
    resumed = pj.resume(stopped, watch=None)
    assert resumed.status == "finished"
    assert not list(resumed.path.rglob("aside"))
    assert [entry["what"] for entry in resumed.ledger].count("network") >= 2
    again = pj.fit(data, recipe=resumed.path, out=tmp_path / "again", watch=None, pictures=False)
    assert (again.path / "model.safetensors").read_bytes() == (resumed.path / "model.safetensors").read_bytes()
