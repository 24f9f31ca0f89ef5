"""What `diagnose` promises of experiments, these tell: nothing that no experiment can tell in this run."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

import penjing as pj
from json_schema import faults
from penjing.checks._examples import example_trials
from penjing.core.errors import DataError, RunError
from penjing.core.files import write_lines
from penjing.core.recipe import Choice
from penjing.core.run import Run, open_run
from penjing.workflows import _experiments
from penjing.workflows._repeatable import goes_on, lacks_data, refused, untold

OF_EXPERIMENTS = {"few_examples", "large_model", "shortcut", "slow_kernels", "small_model", "unstable"}
SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/diagnose.json").read_text(encoding="utf-8"))


@pytest.fixture
def run(learned: Callable[[str], Run], tmp_path: Path) -> Run:
    return copy_of(learned("image and text"), tmp_path)


def copy_of(run: Run, folder: Path) -> Run:
    shutil.copytree(run.path, folder / "run")
    return open_run(folder / "run")


def changed(run: Run, name: str) -> None:
    """The run as one that cannot be repeated for this reason."""
    recipe = run.recipe
    if name == "own":
        run.write_recipe(replace(recipe, model=Choice("own")))
    elif name == "final":
        run.write_recipe(replace(recipe, split=replace(recipe.split, final=True)))
    elif name == "one group":
        frame = pl.read_parquet(run.path / "split.parquet")
        frame.with_columns(group=pl.lit(0, frame.schema["group"])).write_parquet(run.path / "split.parquet")
    else:
        run.update(
            **{
                "adopted": {"kind": "adopted"},
                "unfinished": {"status": "interrupted"},
                "from": {"parent": "runs/photos"},
                "memory": {"data": {**run.info["data"], "path": None}},
            }[name]
        )


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("own", "is of a network of your own (), which only you have: give it again"),
        ("final", "learned from its validation items too"),
        ("adopted", "was not trained here"),
        ("unfinished", "is not finished (status: interrupted)"),
        ("from", "goes on from runs/photos"),
        ("memory", "was made from data in memory; give them again: pj.diagnose(run, data=…, time=…)"),
        ("one group", "are of one group, so nothing tells a gain from chance"),
    ],
)
def test_a_run_that_cannot_be_repeated_promises_no_experiment_and_says_why(run: Run, name: str, why: str) -> None:
    changed(run, name)
    found = pj.diagnose(run)
    blind = {one.name: one for one in found.not_examined}
    assert found.command == ""
    assert blind.keys() >= OF_EXPERIMENTS
    assert all(why in blind[check].message for check in OF_EXPERIMENTS)
    said = "\n".join(found.lines())
    assert "--time 2m" not in said
    assert why in said
    if name != "one group":  # which experiments tell from the data themselves
        with pytest.raises((RunError, DataError)) as refusal:
            pj.diagnose(run, time="10s", watch=None)
        assert blind["unstable"].why in str(refusal.value)


def test_a_run_that_can_be_repeated_names_the_checks_that_wait_and_a_command_that_works(run: Run) -> None:
    found = pj.diagnose(run)
    assert shlex.split(found.command) == ["penjing", "diagnose", str(run.path), "--time", "2m"]
    (more, rest, command) = found.lines()[-3:]
    assert f"{more} {rest.strip()}" == (
        "6 checks more after experiments: few_examples, large_model, shortcut, slow_kernels, small_model, unstable"
    )
    assert max(len(more), len(rest)) <= 80
    assert command == f"  {found.command}"


def test_where_the_data_are_now_is_part_of_the_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_experiments, "experiment", lambda *_: 0)
    found = pj.diagnose(run, time="10s", data="elsewhere/table.csv", watch=None)
    assert shlex.split(found.command)[3:] == ["--time", "2m", "--data", "elsewhere/table.csv"]


def test_a_damaged_run_is_still_diagnosed_and_promises_nothing(run: Run) -> None:
    expected = pj.diagnose(run).findings
    (run.path / "split.parquet").write_bytes(b"none")
    found = pj.diagnose(run)
    assert (found.findings, found.command) == (expected, "")


@pytest.mark.parametrize("kind", ["image and text", "table", "number", "labels", "pretrained"])
def test_what_is_promised_is_what_experiments_make(kind: str, learned: Callable[[str], Run], tmp_path: Path) -> None:
    run = copy_of(learned(kind), tmp_path)
    assert not refused(run)
    assert not lacks_data(run)
    lab = _experiments._laboratory(run, _experiments.Clock(600.0), None, None)
    _experiments._take_up(lab)
    made = {plan.experiment for plan in _experiments._plans_once(lab)}
    made |= {row["experiment"] for row in _experiments._hiding(lab, set())}
    assert made.isdisjoint(untold(run))
    assert made | set(untold(run)) == {"cleaned", "hidden", "larger", "longer", "seed", "share", "smaller"}


def test_without_pictures_no_shortcut_is_promised(learned: Callable[[str], Run]) -> None:
    found = pj.diagnose(learned("table"))
    blind = {one.name: one for one in found.not_examined}
    assert "no input is a picture" in blind["shortcut"].message
    assert not blind["shortcut"].needs_experiments
    waiting = [line for line in found.lines() if "more after experiments" in line]
    assert waiting
    assert "shortcut" not in waiting[0]
    assert "not examined: shortcut, for no input is a picture that the network itself looks at" in found.lines()


def test_a_network_without_a_width_promises_no_other_sizes(run: Run) -> None:
    run.write_recipe(replace(run.recipe, encoders={}, model=Choice("image_example").filled("models")))
    blind = {one.name: one for one in pj.diagnose(run).not_examined}
    for check in ("small_model", "large_model"):
        assert not blind[check].needs_experiments
        assert "has no width" in blind[check].message
    assert blind["unstable"].needs_experiments


def test_a_picture_seen_through_an_encoder_has_no_parts_hidden(run: Run) -> None:
    run.write_recipe(replace(run.recipe, pretrained={"image": Choice("efficientnet_lite0")}))
    assert "hidden" in untold(run)


def test_labels_that_nobody_can_doubt_are_not_promised_to_be_cleaner(learned: Callable[[str], Run]) -> None:
    reasons = {kind: untold(learned(kind))["cleaned"] for kind in ("number", "labels", "table")}
    assert reasons["number"] == reasons["labels"] == "labels are doubted where items have one class each"
    assert reasons["table"] == "labels are doubted from 100 training items on"


def test_what_would_help_is_not_promised_where_nothing_can_tell_it(run: Run) -> None:
    trials = example_trials({"experiment": "longer", "setting": "2", "gain": 0.004}).trials
    assert trials is not None
    write_lines(run.path / "trials.jsonl", trials.to_dicts())
    found = pj.diagnose(run)
    why = {one.what: one.why for one in found.helps if one.gain is None}
    assert why == {"twice the data": "", "a larger network": "", "cleaner labels": untold(run)["cleaned"]}
    assert found.lines()[-2:] == [
        "  not examined: twice the data, a larger network (more --time tells)",
        "  not examined: cleaner labels, for labels are doubted from 100 training items on",
    ]
    assert faults(json.loads(json.dumps(found.to_dict())), SCHEMA) == []
    run.update(status="interrupted")
    assert "more --time tells" not in "\n".join(pj.diagnose(run).lines())


def test_a_treated_run_begins_anew_though_it_has_a_parent() -> None:
    assert goes_on({"parent": "runs/a"})
    assert not goes_on({"parent": "runs/a", "is_treated": True})
    assert not goes_on({"parent": None})
