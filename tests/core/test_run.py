import json
import sys

import polars as pl
import pytest

from penjing.core import run as runs
from penjing.core.errors import RunError
from penjing.core.run import Run, begun, create, finite, list_runs, open_run, remove

FIRST_FORMAT = {
    "format": 1,
    "kind": "supervised",
    "status": "finished",
    "created": "2026-11-23T17:37:33+00:00",
    "title": "digits/",
    "data": {"path": "digits", "source": "class_folder", "items": 2, "classes": {"0": 1, "1": 1}},
    "seal": {"id": "9901f7d1c73ef77f85b55cfd", "items": 1},
}
FIRST_RESULTS = {
    "classes": ["0", "1"],
    "chosen_by": "accuracy",
    "scores": [
        {
            "model": "network",
            "value": 0.9,
            "low": 0.8,
            "high": 0.95,
            "n": 20,
            "part": "valid",
            "metric": "accuracy",
            "units": 20,
        },
        {
            "model": "majority",
            "value": 0.5,
            "low": 0.3,
            "high": 0.7,
            "n": 20,
            "part": "valid",
            "metric": "accuracy",
            "units": 20,
        },
    ],
    "temperature": 1.1,
    "threshold": None,
    "unsure_below": 0.5,
}


@pytest.fixture
def old_run(tmp_path):
    """A run as the first format wrote it; newer code must go on reading it."""
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(FIRST_FORMAT))
    (folder / "results.json").write_text(json.dumps(FIRST_RESULTS))
    return folder


def test_the_first_format_is_still_read(old_run):
    run = open_run(old_run)
    assert run.status == "finished"
    assert str(run.scores[0]) == "0.900 [0.800–0.950] (chosen on)"
    assert run.floor["majority"].value == 0.5
    assert "accuracy 0.900" in str(run)


def test_answers_that_name_no_group_stand_beside_those_of_a_later_experiment_that_do(old_run):
    answer = {"model": "network", "hash": "a", "target": "cat", "predicted": "cat", "loss": 0.1}
    pl.DataFrame([answer]).write_parquet(old_run / "predictions.parquet")
    held_out = {**answer, "model": "held_out", "hash": "b", "group": "b"}
    pl.DataFrame([held_out]).write_parquet(old_run / "held_out.parquet")
    assert open_run(old_run).record.items["group"].to_list() == [None, "b"]


def test_a_run_shows_itself_in_a_notebook_without_running_a_class_name(old_run):
    changed = {**FIRST_RESULTS, "scores": [{**FIRST_RESULTS["scores"][1], "model": "<script>"}]}
    (old_run / "results.json").write_text(json.dumps(changed))
    shown = open_run(old_run)._repr_html_()
    assert "<script>" not in shown
    assert f"{old_run} (finished)" in shown
    assert "<svg" not in shown  # it has no curves yet


def test_a_newer_format_asks_for_an_upgrade(old_run):
    (old_run / "run.json").write_text(json.dumps({**FIRST_FORMAT, "format": 99}))
    with pytest.raises(RunError, match="upgrade penjing"):
        open_run(old_run)


def test_a_damaged_run_says_which_file(old_run):
    (old_run / "run.json").write_text("{")
    with pytest.raises(RunError, match=r"run.json cannot be read"):
        open_run(old_run)


def test_a_folder_that_is_no_run_is_a_sentence(tmp_path):
    with pytest.raises(RunError, match=r"is not a run: it has no run\.json"):
        open_run(tmp_path)


def test_a_misspelt_run_gets_the_one_that_was_meant(old_run):
    with pytest.raises(RunError, match=r'did you mean ".*old"'):
        open_run(old_run.with_name("olt"))


def test_runs_are_named_after_their_data_and_listed_in_natural_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [create(None, "my photos/", {}).path.name for _ in range(11)]
    assert names[0] == "my-photos-001"
    assert [run.path.name for run in list_runs()] == names
    assert create(None, "照片", {}).path.name == "照片-001"


def test_a_folder_that_holds_something_is_not_taken(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(RunError, match="not empty"):
        create(tmp_path, "x", {})


def test_the_folder_that_another_process_took_meanwhile_is_not_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    next_free, offered = runs.next_free, [create(None, "photos", {}).path]
    monkeypatch.setattr(runs, "next_free", lambda title: offered.pop() if offered else next_free(title))
    assert create(None, "photos", {}).path.name == "photos-002"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows asks for a right to make links")
def test_runs_that_lead_nowhere_are_a_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").symlink_to(tmp_path / "gone")
    with pytest.raises(RunError, match="cannot make the folder"):
        create(None, "photos", {})


def test_what_a_run_begins_with_is_there_before_it_is_a_run(tmp_path):
    def fill(run):
        assert not (run.path / "run.json").exists()
        run.note("size", "cnn", "time")

    assert create(tmp_path / "run", "x", {}, fill).ledger


def test_nothing_is_left_of_a_folder_that_became_no_run(tmp_path):
    def fill(run):
        (run.path / "part").mkdir()
        (run.path / "split.parquet").write_text("x")
        raise KeyboardInterrupt

    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        with pytest.raises(KeyboardInterrupt), begun(tmp_path / name, "x") as folder:
            create(folder, "x", {}, fill)
    assert not (tmp_path / "new").exists()
    assert not list((tmp_path / "empty").iterdir())


def test_two_processes_that_begin_in_one_folder_get_one_run(tmp_path):
    with begun(tmp_path / "run", "x") as folder:
        with pytest.raises(RunError, match="another process writes into"), begun(tmp_path / "run", "x"):
            pytest.fail("two have it")
        create(folder, "x", {"whose": "first"})
        with pytest.raises(RunError, match="not empty"), begun(tmp_path / "run", "x"):
            pytest.fail("two have it")
    assert open_run(tmp_path / "run").info["whose"] == "first"


def test_a_run_that_failed_stays(tmp_path):
    def fail(folder):
        create(folder, "x", {})
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"), begun(tmp_path / "run", "x") as folder:
        fail(folder)
    assert open_run(tmp_path / "run").status == "running"


def test_decisions_are_added_to_the_ledger_in_order(tmp_path):
    run = create(tmp_path / "run", "x", {})
    run.note("mirroring", "no", "digits")
    run.note("size", "cnn", "time", dial=1.0)
    assert [(line["what"], line.get("dial")) for line in run.ledger] == [("mirroring", None), ("size", 1.0)]


def test_what_is_not_finite_becomes_null_and_is_named():
    assert finite({"loss": float("nan"), "step": 3}) == {"loss": None, "step": 3, "non_finite": ["loss"]}


def test_a_removed_run_is_gone(tmp_path):
    run = create(tmp_path / "run", "x", {})
    remove(run)
    assert not run.path.exists()
    with pytest.raises(RunError, match="cannot remove"):
        remove(Run(tmp_path / "run"))
