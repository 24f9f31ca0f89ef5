"""The main job from Python: a folder becomes a run, and the run keeps its promises."""

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from kinds import KINDS, rows
from PIL import Image

import penjing as pj
from alike import written
from penjing._answers import of_run
from penjing.cli import run_command
from penjing.core.damage import damage
from penjing.core.errors import DataError, RunError, UsageError
from penjing.core.events import Said
from penjing.core.files import disk_error
from penjing.core.recipe import Choice, Recipe
from penjing.core.report import _words
from penjing.core.report._read import read_run
from penjing.core.report.text import floor_scores
from penjing.core.run import Run
from penjing.places import local
from penjing.training import engine
from penjing.workflows import _pretrained
from penjing.workflows import fit as fit_module
from penjing.workflows._contenders import PRETRAINED, Contender
from penjing.workflows._job import choose_recipe, train_all
from penjing.workflows._problem import pose
from penjing.workflows.advice import _knows_by_heart, what_would_help

RECIPE = Recipe.from_toml(
    """
    augment = [{ name = "crop" }]
    model = { name = "cnn", width = 8 }
    training = { steps = 40, batch_size = 16, evaluations = 4, ema = 0.9, views = 2 }
    machine = { threads = 1 }
    """
).filled()


class Killed(BaseException):
    """Stands for `kill -9`: nothing handles it."""


def draw_class(kind, number, side=12):
    """A picture of stripes, blobs or noise, as distinct from the others as real ones."""
    draw = np.random.default_rng(1000 * kind + number)
    picture = draw.integers(0, 90, (side, side, 3))
    if kind == 0:
        picture[:: draw.integers(2, 4)] += 140
    elif kind == 1:
        picture[:, :: draw.integers(2, 4)] += 140
    return Image.fromarray(picture.astype(np.uint8))


def write_pictures(folder, each=60, names=("rows", "columns", "noise"), first=0):
    for kind, name in enumerate(names):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(first, first + each):
            draw_class(kind, number).save(folder / name / f"p{number:03d}.png")
    return folder


@pytest.fixture
def pictures(tmp_path):
    return write_pictures(tmp_path / "pictures")


def fit(data, out, **wishes):
    return pj.fit(data, out=out, **{"recipe": RECIPE, **wishes})


def test_a_folder_becomes_a_finished_run_with_everything_in_it(pictures, tmp_path):
    run = fit(pictures, tmp_path / "run")
    assert damage(run.path) is None  # or an unforeseen trouble would be blamed on one of its files
    assert run.status == "finished"
    files = {file.name for file in run.path.iterdir()}
    assert files >= {
        *("recipe.toml", "run.json", "record.jsonl", "split.parquet", "prepare.json", "model.safetensors"),
        *("predictions.parquet", "results.json", "pictures.npz", "report.html"),
    }
    assert run.scores[0].value > 0.6
    assert run.scores[0].low < run.scores[0].value <= run.scores[0].high
    assert "majority" in run.floor


def test_what_the_report_says_stands_in_the_predictions(pictures, tmp_path):
    run = fit(pictures, tmp_path / "run")
    network = run.predictions.filter(pl.col("model") == "network")
    right = (network["target"] == network["predicted"]).mean()
    assert run.scores[0].value == pytest.approx(right)
    assert network["name"].str.starts_with("/").sum() == 0


@pytest.mark.slow
def test_the_same_recipe_gives_the_same_weights_and_another_split_seed_another_test_part(pictures, tmp_path):
    runs = [fit(pictures, tmp_path / name) for name in ("a", "b")]
    assert runs[0].info["seal"] == runs[1].info["seal"]
    assert (runs[0].path / "model.safetensors").read_bytes() == (runs[1].path / "model.safetensors").read_bytes()
    other = fit(pictures, tmp_path / "c", split_seed=1)
    assert other.info["seal"]["id"] != runs[0].info["seal"]["id"]


def test_another_training_seed_has_the_same_test_part(pictures, tmp_path):
    from dataclasses import replace

    first = fit(pictures, tmp_path / "a")
    second = fit(pictures, tmp_path / "b", recipe=replace(RECIPE, seed=5))
    assert first.info["seal"] == second.info["seal"]


@pytest.mark.slow
def test_every_opening_of_the_seal_is_counted_over_all_runs(pictures, tmp_path):
    first, second = fit(pictures, tmp_path / "runs" / "a"), fit(pictures, tmp_path / "runs" / "b")
    assert [pj.test(run).opening for run in (first, second, first)] == [1, 2, 3]
    shutil.rmtree(tmp_path / "own-state")
    assert pj.test(first).opening == 4
    assert [line["what"] for line in first.ledger].count("opening") == 3


def test_predicting_the_validation_files_gives_the_stored_probabilities(pictures, tmp_path):
    run = fit(pictures, tmp_path / "run")
    stored = run.predictions.filter(pl.col("model") == "network")
    predicted = pj.predict(run, [str(pictures / name) for name in stored["name"]])
    assert np.allclose(predicted.probability, np.array(stored["probability"].to_list()), atol=1e-5)


def test_the_test_score_is_that_of_the_kept_weights_on_the_test_items(pictures, tmp_path):
    run = fit(pictures, tmp_path / "run")
    tested = pj.test(run)
    split = pl.read_parquet(run.path / "split.parquet").filter(pl.col("part") == "test")
    predicted = pj.predict(run, [str(pictures / name) for name in split["name"]]).frame
    truth = [Path(path).parent.name for path in predicted["path"]]
    assert tested.scores[0].value == pytest.approx(
        np.mean([a == b for a, b in zip(truth, predicted["prediction"], strict=True)])
    )
    assert tested.scores[0].n == len(split)


def test_nothing_that_is_learned_depends_on_the_test_part(tmp_path):
    """The test items' content and labels are replaced; only hashes and counts may tell."""
    for number, folder in enumerate(("before", "after")):
        write_pictures(tmp_path / folder / "train", each=40)
        write_pictures(tmp_path / folder / "test", each=20, first=500 + 100 * number)
    moved = tmp_path / "after" / "test" / "rows" / "p600.png"
    moved.rename(tmp_path / "after" / "test" / "noise" / "q.png")
    runs = [fit(tmp_path / name, tmp_path / f"run-{name}") for name in ("before", "after")]
    for file in ("model.safetensors", "prepare.json", "recipe.toml", "record.jsonl", "results.json", "unlike.npz"):
        assert written(runs[0].path, file) == written(runs[1].path, file), file
    shown = [np.load(run.path / "pictures.npz") for run in runs]
    assert np.array_equal(shown[0]["image"], shown[1]["image"])
    hidden = set(pl.read_parquet(runs[0].path / "split.parquet").filter(pl.col("part") == "test")["hash"])
    assert not hidden & set(shown[0]["hash"].tolist())


@pytest.mark.slow
@pytest.mark.parametrize("moment", [1, 17, 39])
def test_a_killed_run_resumes_to_the_weights_it_would_have_had(pictures, tmp_path, monkeypatch, moment):
    whole = fit(pictures, tmp_path / "whole")
    monkeypatch.setattr("penjing.training._loop.CHECKPOINT_SECONDS", 0.0)
    keep = engine._keep

    def keep_and_die(folder, step, recipe, state):
        keep(folder, step, recipe, state)
        if state.step == moment:
            raise Killed

    monkeypatch.setattr(engine, "_keep", keep_and_die)
    with pytest.raises(Killed):
        fit(pictures, tmp_path / "killed")
    monkeypatch.setattr(engine, "_keep", keep)
    resumed = pj.resume(tmp_path / "killed")
    assert resumed.status == "finished"
    for file in ("model.safetensors", "record.jsonl", "results.json"):
        assert written(resumed.path, file) == written(whole.path, file), file


def test_ctrl_c_keeps_the_best_so_far_and_the_run_can_go_on(pictures, tmp_path, monkeypatch):
    whole = fit(pictures, tmp_path / "whole")
    monkeypatch.setattr("penjing.training._loop.CHECKPOINT_SECONDS", 0.0)
    keep = engine._keep

    def keep_and_stop(folder, step, recipe, state):
        keep(folder, step, recipe, state)
        if state.step == 25:
            raise KeyboardInterrupt

    monkeypatch.setattr(engine, "_keep", keep_and_stop)
    with pytest.raises(KeyboardInterrupt):
        fit(pictures, tmp_path / "run")
    monkeypatch.setattr(engine, "_keep", keep)
    run = pj.runs(tmp_path)[0]
    assert run.status == "interrupted"
    assert run.scores
    assert (run.path / "report.html").exists()
    resumed = pj.resume(run)
    assert (resumed.path / "model.safetensors").read_bytes() == (whole.path / "model.safetensors").read_bytes()


@pytest.mark.slow
def test_a_final_run_that_is_stopped_wears_no_scores_of_another_and_goes_on(pictures, tmp_path, monkeypatch):
    chosen = fit(pictures, tmp_path / "chosen")
    whole = pj.fit(pictures, parent=chosen, final=True, out=tmp_path / "whole")
    monkeypatch.setattr("penjing.training._loop.CHECKPOINT_SECONDS", 0.0)
    keep = engine._keep

    def keep_and_stop(folder, step, recipe, state):
        keep(folder, step, recipe, state)
        if state.best_weights:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(engine, "_keep", keep_and_stop)
        with pytest.raises(KeyboardInterrupt):
            pj.fit(pictures, parent=chosen, final=True, out=tmp_path / "final")
    stopped = pj.Run(tmp_path / "final")
    assert stopped.status == "interrupted"
    assert not stopped.has_weights
    assert not stopped.scores
    assert not stopped.has_predictions
    resumed = pj.resume(stopped)
    assert (resumed.path / "model.safetensors").read_bytes() == (whole.path / "model.safetensors").read_bytes()
    assert resumed.scores == chosen.scores


def test_a_finished_run_is_not_resumed(pictures, tmp_path):
    run = fit(pictures, tmp_path / "run")
    with pytest.raises(RunError, match="is finished; to train it further"):
        pj.resume(run)


def test_a_full_disk_before_the_run_began_leaves_none(pictures, tmp_path, monkeypatch):
    def full(split, path):
        raise disk_error(OSError(errno.ENOSPC, "No space left on device"), path)

    monkeypatch.setattr("penjing.core.split.Split.write", full)
    with pytest.raises(RunError, match="no space left on the disk") as failed:
        fit(pictures, tmp_path / "run")
    assert "--resume" not in str(failed.value)
    assert not (tmp_path / "run").exists()


def test_a_run_that_another_process_grows_is_not_resumed(pictures, tmp_path, monkeypatch):
    told = []

    def resume_too(*_):
        with pytest.raises(RunError, match="another process writes into"):
            pj.resume(tmp_path / "run")
        told.append("refused")

    monkeypatch.setattr(engine, "_keep", resume_too)
    assert fit(pictures, tmp_path / "run").status == "finished"
    assert told


def test_a_run_whose_parts_were_not_dealt_is_not_resumed(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_keep", lambda *_: (_ for _ in ()).throw(Killed()))
    with pytest.raises(Killed):
        fit(pictures, tmp_path / "run")
    (tmp_path / "run" / "split.parquet").unlink()
    with pytest.raises(RunError, match="holds too little to go on with"):
        pj.resume(tmp_path / "run")


def test_data_that_changed_cannot_be_resumed(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_keep", lambda *_: (_ for _ in ()).throw(Killed()))
    with pytest.raises(Killed):
        fit(pictures, tmp_path / "run")
    monkeypatch.undo()
    monkeypatch.setenv("PENJING_CACHE", str(tmp_path / "own-cache"))
    monkeypatch.setenv("PENJING_STATE", str(tmp_path / "own-state"))
    (pictures / "rows" / "p003.png").unlink()
    with pytest.raises(DataError, match="have changed since it began"):
        pj.resume(tmp_path / "run")
    shutil.rmtree(pictures)
    with pytest.raises(DataError, match=r"nothing is there now; say where they are: penjing fit DATA --resume .*run$"):
        pj.resume(tmp_path / "run")


@pytest.mark.slow
def test_a_run_that_was_killed_in_a_fold_goes_on_with_the_plan_it_had(pictures, tmp_path, monkeypatch):
    whole = fit(pictures, tmp_path / "whole", folds=3)
    monkeypatch.setattr("penjing.training._loop.CHECKPOINT_SECONDS", 0.0)
    keep = engine._keep

    def keep_and_die(folder, step, recipe, state):
        keep(folder, step, recipe, state)
        if folder.name == "1" and state.step == 20:
            raise Killed

    monkeypatch.setattr(engine, "_keep", keep_and_die)
    with pytest.raises(Killed):
        fit(pictures, tmp_path / "killed", folds=3)
    monkeypatch.setattr(engine, "_keep", keep)
    resumed = pj.resume(tmp_path / "killed")
    for file in ("model.safetensors", "results.json"):
        assert written(resumed.path, file) == written(whole.path, file), file


@pytest.mark.slow
def test_a_class_that_came_later_does_not_change_the_test_score(pictures, tmp_path):
    run = fit(pictures, tmp_path / "run")
    before = pj.test(run).scores[0].value
    write_pictures(pictures, each=20, names=("a new class",), first=700)
    assert pj.test(run).scores[0].value == before


def test_going_on_from_folds_is_refused_because_nothing_is_left_to_choose_by(pictures, tmp_path):
    run = fit(pictures, tmp_path / "run", folds=3)
    with pytest.raises(UsageError, match="trained on its validation items too"):
        pj.fit(pictures, parent=run, out=tmp_path / "next")


@pytest.mark.slow
def test_one_picture_a_class_in_a_given_training_part_is_scored_over_folds(tmp_path):
    write_pictures(tmp_path / "data" / "train", each=1)
    write_pictures(tmp_path / "data" / "test", each=10, first=100)
    run = fit(tmp_path / "data", tmp_path / "run")
    assert run.scores[0].part == "folds"
    assert pj.test(run).scores[0].n == 30


def test_folds_answer_every_item_outside_the_test_part_once(pictures, tmp_path):
    run = fit(pictures, tmp_path / "run", folds=3)
    network = run.predictions.filter(pl.col("model") == "network")
    split = pl.read_parquet(run.path / "split.parquet")
    outside = split.filter(pl.col("part") != "test")
    assert sorted(network["hash"]) == sorted(outside["hash"])
    assert run.scores[0].part == "folds"
    assert pj.test(run).scores[0].n == len(split) - len(outside)


@pytest.mark.slow
def test_the_floor_of_folds_answers_every_item_and_is_kept_as_learned_from_all_of_them(pictures, tmp_path):
    run = fit(pictures, tmp_path / "run", folds=3)
    split = pl.read_parquet(run.path / "split.parquet")
    outside = split.filter(pl.col("part") != "test")
    network = run.predictions.filter(pl.col("model") == "network")
    for model in ("majority", "linear", "boosted_trees"):
        answers = run.predictions.filter(pl.col("model") == model)
        assert answers["hash"].to_list() == network["hash"].to_list()
        assert answers["target"].to_list() == network["target"].to_list()
    assert sorted(json.loads((run.path / "floor_items.json").read_text())) == sorted(outside["hash"])
    assert set(pj.test(run).floor) == {"majority", "linear", "boosted_trees"}


@pytest.mark.slow
def test_too_few_items_for_a_test_part_get_a_score_over_folds_and_test_says_why(tmp_path):
    run = fit(write_pictures(tmp_path / "few", each=5), tmp_path / "run")
    assert run.scores[0].part == "folds"
    why = "has no test part: 15 items are too few to set some aside .40 are needed.. The score over folds"
    with pytest.raises(pj.TargetMissed, match=why) as caught:
        pj.test(run)
    assert caught.value.best == run.scores[0]


@pytest.mark.slow
def test_too_few_groups_for_a_test_part_are_named_and_not_the_number_of_items(tmp_path):
    run = fit(write_pictures(tmp_path / "few", each=40), tmp_path / "run", group_from=r"p0\d")
    why = r"the 120 items are 4 groups by --group-from p0\\d, too few to set some aside \(10 groups are needed\)"
    with pytest.raises(pj.TargetMissed, match=why):
        pj.test(run)


def test_data_that_bring_no_test_part_are_not_called_too_few(tmp_path):
    pictures = write_pictures(tmp_path / "data", each=40)
    (tmp_path / "parts.csv").write_text("path,part\nrows/p000.png,train\nnoise/p001.png,train\n")
    run = fit(pictures, tmp_path / "run", split=str(tmp_path / "parts.csv"))
    with pytest.raises(pj.TargetMissed, match=r"the parts that its data bring have none .* over validation items"):
        pj.test(run)


@pytest.mark.slow
def test_a_final_run_learns_from_validation_items_too_and_keeps_the_seal(pictures, tmp_path):
    chosen = fit(pictures, tmp_path / "runs" / "chosen")
    final = pj.fit(pictures, parent=chosen, final=True, out=tmp_path / "runs" / "final")
    assert final.recipe.split.final
    assert final.info["seal"] == chosen.info["seal"]
    assert final.recipe.training.steps > chosen.recipe.training.steps
    said = f"The run that it was made from ({chosen.path}) was right on"
    headline = _words.headline(read_run(final.path))
    assert said in " ".join([headline.first, *headline.further])
    assert any(str(chosen.path) in line for line in of_run(final)[1])
    assert pj.test(final).opening == 1


@pytest.mark.slow
def test_going_on_from_a_run_keeps_old_parts_when_items_are_added(pictures, tmp_path):
    first = fit(pictures, tmp_path / "first")
    write_pictures(pictures, each=20, first=300)
    second = pj.fit(pictures, parent=first, out=tmp_path / "second")
    before, after = (pl.read_parquet(run.path / "split.parquet") for run in (first, second))
    both = before.join(after, on="hash", suffix="_after")
    assert (both["part"] == both["part_after"]).all()
    assert len(after) == len(before) + 60
    assert second.info["parent"] == str(first.path)


def test_chinese_folders_and_classes_are_ordinary(tmp_path):
    data = write_pictures(tmp_path / "盆景 照片", names=("松树", "梅花", "竹子"))
    run = fit(data, tmp_path / "运行 一")
    assert run.results["classes"] == ["松树", "梅花", "竹子"] or set(run.results["classes"]) == {"松树", "梅花", "竹子"}
    assert "松树" in (run.path / "report.html").read_text(encoding="utf-8")
    assert set(pj.predict(run, data / "松树").counts) <= {"松树", "梅花", "竹子"}


def test_arrays_train_like_a_folder(tmp_path):
    x = np.stack([np.asarray(draw_class(kind, number)) for number in range(60) for kind in range(3)])
    y = np.tile(["rows", "columns", "noise"], 60)
    run = fit((x, y), tmp_path / "run")
    assert run.scores[0].value > 0.6
    assert pj.test(run, data=(x, y)).scores[0].n > 10
    with pytest.raises(DataError, match="data in memory; give them again"):
        pj.test(run)


def test_a_deadline_chooses_a_recipe_and_replays_bit_for_bit(pictures, tmp_path):
    run = pj.fit(pictures, time="8s", out=tmp_path / "run")
    assert {line["what"] for line in run.ledger} >= {"arithmetic", "size"}
    again = pj.fit(pictures, recipe=run.path, out=tmp_path / "again")
    assert (again.path / "model.safetensors").read_bytes() == (run.path / "model.safetensors").read_bytes()


def test_a_recipe_with_a_deadline_says_that_its_steps_are_planned_anew(pictures, tmp_path):
    told = []
    run = fit(pictures, tmp_path / "run", time=30, watch=told.append)
    said = "--time: the 40 steps of the recipe are planned anew, as many of them as fit into 30 s; "
    assert told[0] == Said(said + "its own weights come only without --time")
    assert [note["why"] for note in run.ledger if note["what"] == "steps"] == [told[0].message]
    told.clear()
    assert not any(
        note["what"] == "steps" for note in fit(pictures, tmp_path / "as it stands", watch=told.append).ledger
    )
    assert not any("planned anew" in str(event) for event in told)


def test_labels_are_corrected_from_a_file(pictures, tmp_path):
    path = str(pictures / "rows" / "p000.png")
    other = str(pictures / "rows" / "p001.png")
    pl.DataFrame({"path": [path, other], "label": ["noise", "drop"]}).write_csv(tmp_path / "fixes.csv")
    run = fit(pictures, tmp_path / "run", corrections=str(tmp_path / "fixes.csv"))
    assert run.info["data"]["classes"] == {"columns": 60, "noise": 61, "rows": 58}
    split = pl.read_parquet(run.path / "split.parquet")
    assert split.filter(pl.col("name").str.contains("rows/p001"))["part"].to_list() == ["excluded"]


@pytest.mark.parametrize(
    ("wishes", "error", "message"),
    [
        ({"metric": "acuracy", "recipe": None}, UsageError, 'did you mean "accuracy"'),
        ({"model": "cn", "recipe": None}, UsageError, 'did you mean "cnn"'),
        ({"seed": 3}, UsageError, "--seed would change nothing"),
        ({"recipe": None, "folds": 1}, UsageError, "give 2 or more"),
        ({"recipe": None, "set": {"model.width": "x"}}, UsageError, "should look like"),
        ({"recipe": None, "set": {"machine.threads": 0}}, UsageError, "must be 1 or more"),
        ({"recipe": None, "set": {"data.decode.image.side": 64}}, UsageError, "would change nothing; use --side"),
        ({"recipe": None, "set": {"data.inputs": "x"}}, UsageError, "would change nothing; use --input$"),
        ({"recipe": None, "set": {"data.drop": "x"}}, UsageError, "would change nothing; use --corrections"),
        ({"recipe": None, "set": {"split.folds": 5}}, UsageError, "would change nothing; use --folds"),
        (
            {"recipe": None, "set": {"data.x": 5}},
            UsageError,
            "has no choice that --set changes",
        ),
        ({"recipe": None, "folds": 1000}, UsageError, r"--folds 1000 .* give \d+ folds at most, or --time 1335s"),
        ({"time": "10s", "folds": 50}, UsageError, "--folds 50 .* give 6 folds at most, or --time 68s"),
        ({"time": "soon"}, UsageError, "is not a duration"),
        ({"sidde": 3}, TypeError, "unexpected keyword argument 'sidde'"),
        ({"side": 4}, UsageError, "8 to 1024"),
        ({"recipe": "none.toml"}, UsageError, "there is no recipe"),
        ({"final": True}, UsageError, "needs the run"),
        ({"parent": "none", "recipe": None}, RunError, "there is no run folder"),
        ({"corrections": "none.csv"}, UsageError, "no corrections file"),
        ({"device": "gpu"}, UsageError, 'no device "gpu"'),
    ],
)
def test_a_wrong_wish_is_one_sentence(pictures, tmp_path, wishes, error, message):
    with pytest.raises(error, match=message):
        fit(pictures, tmp_path / "run", **wishes)
    assert not (tmp_path / "run").exists()


def test_a_recipe_for_something_else_than_the_data_ask_is_refused(tmp_path):
    table = {"x": [row % 7 / 4 for row in range(90)], "y": [row % 5 / 3 for row in range(90)], "kind": ["a", "b"] * 45}
    recipe = Recipe.from_toml('model = { name = "tabular" }\ntraining = { steps = 5 }').filled()
    with pytest.raises(UsageError, match="for the task classify, and these data are taken for regress; say which with"):
        pj.fit(table, target="x", recipe=recipe, out=tmp_path / "run", watch=None)
    of_x = replace(recipe, task=Choice("regress"), data=replace(recipe.data, target="x")).filled()
    with pytest.raises(UsageError, match="the recipe learned x, and the target of these data is y; say which with"):
        pj.fit(table, target="y", recipe=of_x, out=tmp_path / "other", watch=None)


def test_what_did_not_begin_here_has_no_final_run(pictures, tmp_path):
    first = fit(pictures, tmp_path / "first")
    further = pj.fit(pictures, parent=first, out=tmp_path / "further")
    with pytest.raises(UsageError, match=r"goes on from .*first, and --final repeats a training from its beginning"):
        pj.fit(pictures, parent=further, final=True, out=tmp_path / "final")
    further.update(kind="adopted", parent=None)
    with pytest.raises(UsageError, match="was not trained here, so there is no training for --final to repeat"):
        pj.fit(pictures, parent=further, final=True, out=tmp_path / "final")
    assert not (tmp_path / "final").exists()


def test_it_is_said_where_it_is_trained_before_it_is(pictures, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(local, "told", lambda device: f"trains on the {device} here")
    monkeypatch.setattr(fit_module, "create", lambda *_: pytest.fail("stopped here"))
    with pytest.raises(pytest.fail.Exception, match="stopped here"):
        fit(pictures, tmp_path / "run", watch=said.append)
    assert Said("trains on the cpu here") in said


def test_data_without_labels_or_with_one_class_cannot_be_learned(tmp_path):
    write_pictures(tmp_path / "one", names=("rows",))
    with pytest.raises(DataError, match=r"only one class|one class only"):
        fit(tmp_path / "one", tmp_path / "run")
    with pytest.raises(DataError, match="no labels"):
        fit(tmp_path / "one" / "rows", tmp_path / "run", target="none")


def test_pictures_that_are_all_alike_leave_none_to_choose_by(tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / "alike" / name).mkdir(parents=True)
        for number in range(20):
            Image.new("RGB", (16, 16), (120, 60, 30)).save(tmp_path / "alike" / name / f"{number}.png")
    with pytest.raises(DataError, match=r"the 40 items of alike/ that can be learned from are 1 group .*add items"):
        fit(tmp_path / "alike", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_out_folder_that_holds_something_is_left_alone(pictures, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("precious")
    with pytest.raises(RunError, match="exists already and is not empty"):
        fit(pictures, tmp_path / "run")
    assert (tmp_path / "run" / "thesis.txt").read_text() == "precious"


@pytest.mark.slow
def test_comparing_runs_shows_what_was_chosen_differently(pictures, tmp_path):
    from dataclasses import replace

    first = fit(pictures, tmp_path / "a")
    second = fit(pictures, tmp_path / "b", recipe=replace(RECIPE, seed=9))
    found = pj.compare(first, second)
    assert dict(found.others[0].choices) == {"seed": (0, 9)}
    assert found.others[0].shared == first.scores[0].n
    same = pj.compare(first, first).others[0]
    assert same.more_right is not None
    assert same.more_right.value == 0
    assert same.verdict == "no clear difference"


def test_run_json_holds_no_secret_of_the_machine(pictures, tmp_path):
    info = json.dumps(fit(pictures, tmp_path / "run").info["machine"])
    import platform

    assert platform.node() not in info or not platform.node()


def write_fixes(file, **labels):
    pl.DataFrame({"path": list(labels), "label": list(labels.values())}).write_csv(file)
    return str(file)


@pytest.fixture
def fixes(pictures, tmp_path):
    """A corrections file that takes one picture for noise and drops another."""
    first, second = (str(pictures / "rows" / f"p{number:03d}.png") for number in (0, 1))
    return write_fixes(tmp_path / "fixes.csv", **{first: "noise", second: "drop"})


@pytest.mark.slow
def test_a_recipe_replays_corrections_without_their_file(pictures, fixes, tmp_path, monkeypatch):
    run = fit(pictures, tmp_path / "run", corrections=fixes)
    Path(fixes).unlink()
    monkeypatch.chdir(tmp_path / "run")
    again = pj.fit(pictures, recipe=run.path, out=tmp_path / "again")
    moved = pj.fit(pictures.rename(tmp_path / "moved"), recipe=run.path, out=tmp_path / "of-moved")
    split = pl.read_parquet(run.path / "split.parquet")
    dropped = split.filter(pl.col("name") == "rows/p001.png")["hash"].to_list()
    relabelled = split.filter(pl.col("name") == "rows/p000.png")["hash"].to_list()
    for one in (run, again, moved):
        assert one.recipe.data.drop == tuple(dropped)
        assert one.recipe.data.relabel == dict.fromkeys(relabelled, "noise")
        assert (one.path / "model.safetensors").read_bytes() == (run.path / "model.safetensors").read_bytes()
    assert pj.test(again, data=tmp_path / "moved").opening == 1


@pytest.mark.slow
def test_a_run_with_corrections_resumes_and_goes_on_without_their_file(pictures, fixes, tmp_path, monkeypatch):
    whole = fit(pictures, tmp_path / "whole", corrections=fixes)
    keep = engine._keep
    monkeypatch.setattr(engine, "_keep", lambda *_: (_ for _ in ()).throw(Killed()))
    with pytest.raises(Killed):
        fit(pictures, tmp_path / "killed", corrections=fixes)
    monkeypatch.setattr(engine, "_keep", keep)
    Path(fixes).write_text("damaged")
    resumed = pj.resume(tmp_path / "killed")
    assert (resumed.path / "model.safetensors").read_bytes() == (whole.path / "model.safetensors").read_bytes()
    third = write_fixes(tmp_path / "more.csv", **{str(pictures / "noise" / "p002.png"): "drop"})
    said = []
    after = pj.fit(pictures, parent=whole, corrections=third, out=tmp_path / "next", watch=said.append)
    assert len(after.recipe.data.drop) == 2
    assert after.recipe.data.relabel == whole.recipe.data.relabel
    assert f"as in {whole.path}: corrections: 1 label changed, 1 item left out" in texts(said)
    assert "corrections: 1 label changed, 2 items left out" in texts(said)


def texts(events):
    return [event.message for event in events if isinstance(event, Said)]


def test_a_recipe_without_corrections_changes_when_one_is_made(pictures, fixes, tmp_path):
    plain, corrected = fit(pictures, tmp_path / "a"), fit(pictures, tmp_path / "b", corrections=fixes)
    assert plain.recipe.data.drop == ()
    assert plain.recipe.id != corrected.recipe.id


@pytest.mark.slow
def test_going_on_from_a_run_reads_the_data_as_it_did_and_says_so(pictures, tmp_path):
    run = fit(pictures, tmp_path / "run", merge={"stripes": ["rows", "columns"]}, ignore="p00*")
    said = []
    after = pj.fit(pictures, parent=run, out=tmp_path / "next", watch=said.append)
    assert after.info["data"]["classes"] == run.info["data"]["classes"] == {"noise": 50, "stripes": 100}
    assert f"as in {run.path}: --merge stripes=rows,columns, --ignore p00*" in texts(said)


@pytest.mark.slow
def test_an_option_said_anew_holds_when_going_on_from_a_run(pictures, tmp_path):
    run = fit(pictures, tmp_path / "run", ignore="p00*", page="max")
    said = []
    after = pj.fit(pictures, parent=run, ignore=[], page="first", out=tmp_path / "next", watch=said.append)
    assert sum(after.info["data"]["classes"].values()) == 180
    assert after.info["data"]["inputs"]["image"]["decode"]["page"] == "first"
    assert not [text for text in texts(said) if text.startswith("as in")]
    third = pj.fit(pictures, parent=run, out=tmp_path / "third")
    assert third.info["data"]["inputs"]["image"]["decode"]["page"] == "max"


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"side": 24}, "keeps its canvas and its parts, so --side 24 would change nothing"),
        ({"canvas": "squash"}, "--canvas squash would change nothing"),
        ({"folds": 3}, "--folds 3 would change nothing"),
        ({"split_seed": 3}, "--split-seed 3 would change nothing"),
    ],
)
def test_what_a_run_settles_is_not_said_anew(pictures, tmp_path, wishes, message):
    run = fit(pictures, tmp_path / "run")
    with pytest.raises(UsageError, match=message):
        pj.fit(pictures, parent=run, out=tmp_path / "next", **wishes)


def test_a_setting_of_a_network_is_that_of_the_one_for_the_inputs(pictures, tmp_path):
    with pytest.raises(UsageError, match='cnn has no setting "depth"'):
        fit(pictures, tmp_path / "run", recipe=None, set={"model.depth": 3}, time=20)
    assert not (tmp_path / "run").exists()
    age = np.linspace(-1, 1, 120)
    table = pl.DataFrame({"age": age, "label": np.where(age > 0, "yes", "no")})
    by_hand = {"model.depth": 3, "training.steps": 10, "machine.threads": 1}
    run = fit(table, tmp_path / "run", recipe=None, set=by_hand, time=20, target="label")
    assert run.recipe.model.name == "tabular"
    assert run.recipe.model.settings["depth"] == 3


@pytest.mark.slow
def test_a_recipe_settles_the_canvas_and_the_page(pictures, tmp_path):
    run = fit(pictures, tmp_path / "run", page="max")
    assert (
        pj.fit(pictures, recipe=run.path, out=tmp_path / "again").info["data"]["inputs"]["image"]["decode"]["page"]
        == "max"
    )
    with pytest.raises(UsageError, match="--side 24 would change nothing"):
        pj.fit(pictures, recipe=run.path, side=24, out=tmp_path / "next")


@pytest.mark.parametrize(
    ("wishes", "error", "message"),
    [
        ({"metric": "acuracy"}, UsageError, 'did you mean "accuracy"'),
        ({"model": "cn"}, UsageError, 'did you mean "cnn"'),
        ({"set": {"model.widht": 8}}, UsageError, 'did you mean "width"'),
        ({"parent": "none"}, RunError, "there is no run folder"),
        ({"time": "10s", "folds": 50}, UsageError, "--folds 50"),
        ({"timme": "5m"}, TypeError, "unexpected keyword argument 'timme'"),
    ],
)
def test_a_plan_refuses_the_wishes_that_a_training_refuses(pictures, wishes, error, message):
    with pytest.raises(error, match=message):
        pj.plan(pictures, **wishes)


def test_a_plan_takes_every_wish_of_a_training(pictures, tmp_path):
    wishes = {"metric": "macro_f1", "class_weights": "balanced", "out": tmp_path / "run", "model": "cnn"}
    assert pj.plan(pictures, time="1m", **wishes).items == 180
    assert not (tmp_path / "run").exists()


def test_an_own_metric_of_which_less_is_better_is_not_turned_round(pictures, tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        "def misses(truth, probability):\n    return (probability.argmax(1) != truth).mean()\n"
        "misses.is_higher_better = False\n"
    )
    recipe = replace(RECIPE, task=Choice("classify", {"metric": f"{file}:misses"})).filled()
    run = fit(pictures, tmp_path / "run", recipe=recipe)
    found, majority = run.scores[0], run.floor["majority"]
    assert not found.is_higher_better
    assert found.value < majority.value == pytest.approx(2 / 3, abs=0.01)
    others = floor_scores(run.results)[1:]
    assert others[-1]["model"] == "majority"
    assert [one["value"] for one in others] == sorted(one["value"] for one in others)


def test_ctrl_c_in_a_report_says_that_the_run_is_finished(pictures, tmp_path, monkeypatch, capsys):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("penjing.workflows.fit.write_report", stopped)
    (tmp_path / "recipe.toml").write_text(RECIPE.to_toml(), encoding="utf-8")
    words = ["fit", str(pictures), "--recipe", str(tmp_path / "recipe.toml"), "--out", str(tmp_path / "run"), "--quiet"]
    assert run_command(words) == 130
    assert "the run is finished in" in " ".join(capsys.readouterr().err.split())
    assert Run(tmp_path / "run").status == "finished"


def head(job, deals, **outcome):
    """A network that stands for a head on features from elsewhere, trained in earnest; the outcome may be changed."""
    folder = job.run.path / PRETRAINED
    folder.mkdir(exist_ok=True)
    other = replace(job, folder=folder)
    problem = pose(job.prepared, deals[0].train, deals[0].valid)
    chosen = choose_recipe(other, problem)
    chosen = replace(chosen, recipe=replace(chosen.recipe, seed=7))
    posed, trained, logits = train_all(other, problem, deals, chosen, None)
    return Contender(PRETRAINED, other, posed, replace(trained, **outcome), logits)


def test_ctrl_c_while_a_head_on_features_from_elsewhere_learns_ends_the_fit(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "penjing.workflows.fit.pretrained_contenders", lambda *given: [head(*given, is_interrupted=True)]
    )
    monkeypatch.setattr("penjing.workflows.fit.train_all", lambda *_: pytest.fail("another network was trained"))
    with pytest.raises(KeyboardInterrupt) as stopped:
        fit(pictures, tmp_path / "run")
    run = Run(tmp_path / "run")
    assert run.status == "interrupted"
    assert stopped.value.args == (run.path, True)
    assert run.scores


@pytest.mark.parametrize("folds", [0, 3])
def test_ctrl_c_before_a_second_network_is_measured_keeps_the_first_and_goes_on_with_both(
    pictures, tmp_path, monkeypatch, folds
):
    """With folds it comes in the second of them."""
    whole = fit(pictures, tmp_path / "whole", folds=folds)
    learn, begun = engine._begun, []

    def stopped_at_once(recipe, problem, start):
        begun.append(recipe)
        if len(begun) == (1 if not folds else 2):
            raise KeyboardInterrupt
        return learn(recipe, problem, start)

    def first(*given):
        found = head(*given)
        monkeypatch.setattr(engine, "_begun", stopped_at_once)
        return [found]

    with monkeypatch.context() as patched:
        patched.setattr("penjing.workflows.fit.pretrained_contenders", first)
        with pytest.raises(KeyboardInterrupt) as stopped:
            fit(pictures, tmp_path / "run", folds=folds)
    monkeypatch.setattr(engine, "_begun", learn)
    run = Run(tmp_path / "run")
    assert run.status == "interrupted"
    assert stopped.value.args == (run.path, True)
    assert run.scores
    assert run.recipe.seed == 7
    assert (run.path / "report.html").exists()
    assert written(run.path, "record.jsonl") == written(run.path / PRETRAINED, "record.jsonl")
    assert [line["choice"] for line in run.ledger if line["what"] == "network"] == ["a head on pretrained features"]
    resumed = pj.resume(run)  # of a run without an encoder the other network alone is left
    for file in ("model.safetensors", "record.jsonl", "inputs.json"):
        assert written(resumed.path, file) == written(whole.path, file), file
    assert not list(resumed.path.rglob("aside"))


def test_ctrl_c_before_the_only_network_is_measured_leaves_none(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr("penjing.workflows.fit.train_all", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt) as stopped:
        fit(pictures, tmp_path / "run")
    assert stopped.value.args == (tmp_path / "run", False)


def test_labels_that_no_validation_item_has_end_no_training(tmp_path):
    parts = ["train"] * 40 + ["valid"] * 14 + ["test"] * 12
    given = (["large"], ["any"], [])
    labels = [given[row % 3] if part == "train" else [] for row, part in enumerate(parts)]
    frame = rows().select("size", "colour").with_columns(tags=pl.Series(labels), split=pl.Series(parts))
    kind = KINDS["labels"]
    run = pj.fit(frame, recipe=kind.filled, out=tmp_path / "run", watch=None, pictures=False, **kind.wish)
    assert run.status == "finished"
    assert pl.read_parquet(run.path / "predictions.parquet")["target"].list.len().max() == 0
    known = {score.metric: score.value for score in run.scores}
    assert (known["macro_f1"], known["mean_average_precision"]) == (0.0, 0.0)
    assert len(run.steps) == kind.filled.training.evaluations


def test_a_deadline_in_which_the_encoder_of_a_recipe_could_not_see_all_items_is_refused(
    pictures, tmp_path, monkeypatch
):
    seen = replace(RECIPE, augment=(), model=Choice("probe"), pretrained={"image": Choice("efficientnet_lite0")})
    monkeypatch.setattr(_pretrained, "seeing_seconds", lambda *_: {"image": 600.0})
    with pytest.raises(RunError, match=r"takes 10 min 00 s to see all items, .* give --time 16m or more"):
        fit(pictures, tmp_path / "run", recipe=seen.filled(), time=30)
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr("penjing.workflows.fit.seen_through", lambda *_: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):  # without a deadline it takes as long as it takes
        fit(pictures, tmp_path / "run", recipe=seen.filled())


@pytest.mark.slow
def test_a_final_run_takes_as_long_as_it_takes_for_nobody_can_give_it_more_time(pictures, tmp_path, monkeypatch):
    chosen = fit(pictures, tmp_path / "chosen")
    shutil.rmtree(tmp_path / "own-cache")
    monkeypatch.setattr(fit_module, "DEFAULT_SECONDS", 0.001)
    final = pj.fit(pictures, parent=chosen, final=True, out=tmp_path / "final")
    assert final.info["deadline_seconds"] is None
    assert final.info["data"]["trained_items"] == chosen.info["data"]["trained_items"]  # decoded anew, all of them
    shutil.rmtree(tmp_path / "own-cache")
    with pytest.raises(DataError, match="could be decoded within the time"):  # what may be given time has the usual
        pj.fit(pictures, parent=chosen, out=tmp_path / "further")


@pytest.mark.slow
def test_a_final_run_without_pictures_takes_none_from_the_run_before(pictures, tmp_path):
    chosen = fit(pictures, tmp_path / "chosen")
    assert (chosen.path / "pictures.npz").exists()
    final = pj.fit(pictures, parent=chosen, final=True, pictures=False, out=tmp_path / "final")
    assert not (final.path / "pictures.npz").exists()


@pytest.mark.parametrize(
    ("metric", "train", "valid", "is_known"),
    [
        ("mae", 30_000.0, 30_001.0, False),
        ("mae", 10_000.0, 30_000.0, True),
        ("r2", 0.95, 0.7, True),
        ("r2", 0.7, 0.95, False),
    ],
)
def test_items_are_known_by_heart_where_new_ones_are_answered_far_worse(metric, train, valid, is_known):
    steps = [{f"train/{metric}": train, f"valid/{metric}": valid}]
    run = SimpleNamespace(steps=steps, results={"chosen_by": metric, "scores": []})
    assert _knows_by_heart(run) is is_known


@pytest.mark.parametrize(("value", "is_advised"), [(0.9, True), (1.0, False)])
def test_more_items_are_advised_where_validation_can_tell(value, is_advised):
    score = {"metric": "accuracy", "value": value, "is_higher_better": True}
    info = {"data": {"classes": {"a": 20, "b": 30}}, "seal": {"items": 0}}
    run = SimpleNamespace(steps=[], results={"chosen_by": "accuracy", "scores": [score]}, info=info)
    assert any("more items" in line for line in what_would_help(run)) is is_advised


def test_groups_that_are_named_after_a_first_look_are_kept_together(pictures, tmp_path):
    pj.inspect(pictures, watch=None)  # which remembers a deal item by item
    heard = []
    run = fit(pictures, tmp_path / "run", group_from=r"p\d\d\d", watch=heard.append)
    dealt = pl.read_parquet(run.path / "split.parquet")
    number = dealt["name"].str.extract(r"(p\d\d\d)")
    assert dealt.with_columns(number=number).group_by("number").agg(pl.col("part").n_unique())["part"].max() == 1
    assert 20 <= len(dealt.filter(part="test")) <= 34
    assert any("dealt anew" in event.message for event in heard if isinstance(event, Said))
