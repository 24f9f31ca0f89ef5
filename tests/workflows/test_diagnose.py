"""A run and the logs of other tools are diagnosed from their record alone."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import penjing as pj
from json_schema import faults
from penjing.checks import diverged, sound_steps, useless_input
from penjing.checks._examples import example_answers, example_classes, example_inputs, example_steps, example_trials
from penjing.core.errors import DataError, RunError, UsageError
from penjing.core.files import write_json, write_lines
from penjing.core.recipe import Recipe
from penjing.core.run import open_run
from penjing.watchers._csv import CsvWriter
from penjing.workflows._foreign import of_history
from penjing.workflows._help import Help, what_helps
from penjing.workflows.diagnose import _longer, foreign, told_of

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
KERAS = """epoch,accuracy,loss,val_accuracy,val_loss
{}
"""
TURNED = [(1.2, 1.3), (0.9, 1.0), (0.7, 0.9), (0.5, 0.88), (0.3, 0.95), (0.2, 1.05), (0.1, 1.2)]


def log(tmp_path, text, name="log.csv"):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


def names(diagnosis):
    return [finding.name for finding in diagnosis.findings]


def run_folder(tmp_path, record):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"format": 1, "status": "finished"}), encoding="utf-8")
    if record.steps is not None:
        write_lines(folder / "record.jsonl", record.steps.to_dicts())
    if record.items is not None:
        record.items.write_parquet(folder / "predictions.parquet")
    if record.inputs is not None:
        told = {"drop": "drop", "low": "drop_low", "high": "drop_high", "drop_all": "drop_all", "unit": "unit"}
        drops = [
            {"input": row["input"], "column": row["column"], **{name: row[column] for name, column in told.items()}}
            for row in record.inputs.to_dicts()
        ]
        write_json(folder / "results.json", {"contributions": drops})
        write_json(folder / "inputs.json", record.inputs.to_dicts())
        (folder / "recipe.toml").write_text(Recipe().filled().to_toml(), encoding="utf-8")
    if record.trials is not None:
        write_lines(folder / "trials.jsonl", record.trials.to_dicts())
    return folder


def repeatable(folder):
    """The folder as one of a training that experiments can repeat."""
    data = {"path": "photos", "items": 400}
    told = {"format": 1, "status": "finished", "kind": "supervised", "data": data}
    write_json(folder / "run.json", told)
    write_json(folder / "prepare.json", {"inputs": {"image": {"modality": "image"}}, "classes": ["cat", "dog"]})
    (folder / "recipe.toml").write_text(Recipe().filled().to_toml(), encoding="utf-8")
    parts = ["train"] * 300 + ["valid"] * 100
    split = {"hash": [f"{row}" for row in range(400)], "group": range(400), "part": parts, "fold": [-1] * 400}
    pl.DataFrame(split).write_parquet(folder / "split.parquet")
    return folder


def test_a_run_that_goes_well_gets_one_line_and_what_experiments_would_tell(tmp_path):
    record = example_steps()
    right = [("cat", "cat", 0.98), ("dog", "dog", 0.98)] * 50
    answers = example_classes({"network": right, "majority": [("cat", "cat", 0.5), ("dog", "cat", 0.5)] * 50}).items
    outputs = {"output/least": -5.0, "output/at_bounds": 0.0, "output/most": 5.0, "train/loss_noise": 0.1}
    outputs |= {"entering/network/mean": 0.1, "entering/network/std": 0.9}
    shared = {"gradient/square": 1.0, "gradient/shared": 0.2}
    steps = record.steps.with_columns(pl.lit(value).alias(name) for name, value in {**outputs, **shared}.items())
    folder = repeatable(run_folder(tmp_path, example_inputs(of=record.also(steps=steps, items=answers))))
    found = pj.diagnose(folder)
    assert found.findings == ()
    assert found.worst is None
    waiting = [one.name for one in found.not_examined]
    assert waiting == ["few_examples", "large_model", "shortcut", "slow_kernels", "small_model", "unstable"]
    assert found.lines() == [
        f"{len(found.examined)} checks found nothing wrong",
        "6 checks more after experiments: few_examples, large_model, shortcut,",
        "  slow_kernels, small_model, unstable",
        f"  penjing diagnose {folder} --time 2m",
    ]
    assert found.helps == ()


def test_a_sick_run_is_told_gravest_first(tmp_path):
    turned = example_steps(valid__loss=[1.3, 1.0, 0.85, 0.8, 0.84, 0.9, 0.97, 1.05, 1.1, 1.12])
    answers = example_answers(network=[0.5, 0.9] * 50, constant=[0.69] * 100).items
    folder = run_folder(tmp_path, type(turned)(steps=turned.steps, items=answers))
    found = pj.diagnose(folder)
    assert names(found) == ["overfit", "not_learning", "trained_long"]  # the constant answer is better throughout
    assert found.worst == "error"
    assert json.loads(json.dumps(found.to_dict()))["findings"][0]["evidence"]["step"] == 400


def test_what_would_help_most_is_told_from_experiments(tmp_path):
    record = example_trials(
        {"experiment": "share", "setting": "0.5", "gain": -0.05},
        {"experiment": "share", "setting": "0.25", "gain": -0.125},
        {"experiment": "larger", "gain": 0.03},
        {"experiment": "longer", "gain": 0.004},
        of=example_steps(),
    )
    found = pj.diagnose(repeatable(run_folder(tmp_path, record)))
    assert {"few_examples", "small_model"} <= set(names(found))
    assert [one.what for one in found.helps] == [
        "twice the data",
        "a larger network",
        "twice the updates",
        "cleaner labels",
    ]
    # An error of a tenth that is 1.5 times as large with half of the items: two thirds of it with twice as many.
    assert found.helps[0].gain == pytest.approx(0.1 / 3, abs=0.003)
    assert found.helps[0].low < found.helps[0].gain < found.helps[0].high
    assert found.lines()[-5:] == [
        "what would help most:",
        f"  {found.helps[0]}",
        "  a larger network: +3.0 points of accuracy (+2.0 points to +4.0 points)",
        "  twice the updates: +0.4 points of accuracy (-0.6 points to +1.4 points; may be chance)",
        "  not examined: cleaner labels (more --time tells)",
    ]


def test_what_would_help_follows_the_schema(tmp_path):
    record = example_trials(
        {"experiment": "share", "setting": "0.5", "gain": -0.05},
        {"experiment": "share", "setting": "0.25", "gain": -0.125},
        {"experiment": "larger", "gain": 0.03},
        of=example_steps(),
    )
    told = json.loads(json.dumps(pj.diagnose(run_folder(tmp_path, record)).to_dict()))
    assert {one["gain"] is None for one in told["helps"]} == {True, False}
    assert faults(told, json.loads((SCHEMAS / "diagnose.json").read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("content", [b"", b"{}", b'{"experiment": "seed"}\n', b'{"experiment": "larger", "gain": 1}\n'])
def test_experiments_that_are_not_whole_are_none(tmp_path, content):
    folder = run_folder(tmp_path, example_steps())
    (folder / "trials.jsonl").write_bytes(content)
    found = pj.diagnose(folder)
    assert found.helps == ()
    assert "few_examples" in [check.name for check in found.not_examined]


def test_what_would_help_is_told_in_the_unit_of_a_metric_without_a_bound():
    assert str(Help("twice the data", 0.5, 0.2, 0.8, "mae", 3.0)) == "twice the data: +0.5 of mae (+0.2 to +0.8)"


def test_that_no_label_is_doubted_is_told_in_the_unit_of_the_metric():
    cleaned = {"experiment": "cleaned", "setting": "0", "metric": "mine", "unit": 3.0}
    (told,) = (str(one) for one in what_helps(example_trials(cleaned)) if "doubted" in one.what)
    assert told == "cleaner labels (none is doubted): +0 of mine (+0 to +0; may be chance)"


@pytest.mark.parametrize(
    ("share", "is_told", "length"),
    [(0.2, False, ""), (0.5, True, "of trainings with 50% of its updates"), (1, True, "")],
)
def test_what_would_help_is_told_as_far_as_checks_tell_it(share, is_told, length):
    trials = [
        {"share": share, "value": 0.9},
        {"experiment": "share", "setting": "0.5", "gain": -0.05, "share": share},
        {"experiment": "larger", "gain": 0.05, "share": share},
        {"experiment": "cleaned", "setting": "0", "share": share},
    ]
    told = {one.what: one for one in what_helps(example_trials(*trials))}
    assert (told["twice the data"].gain is not None) is is_told
    assert (told["a larger network"].gain is not None) is is_told
    assert len([one for one in told.values() if one.gain is not None]) == 3 * is_told
    assert str(told["a larger network"]).endswith(length)
    assert ("of trainings with" in str(told["twice the data"])) is bool(length)


@pytest.mark.parametrize(("seconds", "longer"), [(None, "2m"), (30.0, "2m"), (120.0, "240s")])
def test_where_the_time_was_not_enough_more_is_named(seconds, longer):
    assert _longer(seconds) == longer


def test_a_report_is_written_where_the_record_cannot_be_read(tmp_path):
    folder = run_folder(tmp_path, example_steps())
    (folder / "record.jsonl").write_bytes(b"\xff\x00")
    assert told_of(open_run(folder)) == {"findings": (), "helps": ()}


def test_experiments_take_a_run(tmp_path):
    with pytest.raises(UsageError, match="is a log, and experiments take a run: leave --time out"):
        pj.diagnose(log(tmp_path, "loss\n1\n0.5\n"), time="10s")


class History:
    """What the `fit` of Keras returns, without Keras."""

    def __init__(self, history, epoch=None):
        self.history, self.model = history, object()
        self.epoch = epoch


def turned():
    train, valid = zip(*TURNED, strict=True)
    return {"accuracy": [0.5] * 7, "loss": list(train), "val_accuracy": [0.5] * 7, "val_loss": list(valid)}


def test_a_history_of_keras_tells_what_its_log_does(tmp_path):
    rows = "\n".join(f"{epoch},0.5,{train},0.5,{valid}" for epoch, (train, valid) in enumerate(TURNED))
    expected = pj.diagnose(log(tmp_path, KERAS.format(rows)))
    told = [History(turned(), list(range(7))), History(turned()), turned()]
    told.append({name: np.array(values, np.float32) for name, values in turned().items()})
    for given in told:
        found = pj.diagnose(given)
        assert names(found) == ["overfit"]
        assert [one.message for one in found.findings] == [one.message for one in expected.findings]
        assert found.not_examined == expected.not_examined
        assert (found.title, found.command) == ("history", "")


def test_a_history_that_goes_on_numbers_its_own_epochs():
    record = of_history(History({"loss": [1.0, 0.5, None]}, [10, 11, 12]))
    assert (record.counted, record.steps["train/loss"].to_list()) == ("epoch", [1.0, 0.5, None])
    (finding,) = pj.diagnose({"loss": [1.0, float("nan"), float("nan")]}).findings
    assert finding.name == "diverged"


def test_validation_of_every_second_epoch_stands_beside_that_epoch():
    steps = of_history({"loss": [5.0, 4.0, 3.0, 2.0, 1.0], "val_loss": [4.4, 2.2]}).steps
    assert steps["valid/loss"].to_list() == [None, 4.4, None, 2.2, None]
    with pytest.raises(DataError, match="val_loss has 4 values, which do not fit 10 epochs"):
        pj.diagnose({"loss": [1.0] * 10, "val_loss": [1.0] * 4})
    with pytest.raises(DataError, match=r"val_loss has 2 values of 8 epochs, of every 3 or of every 4; give"):
        pj.diagnose({"loss": [1.0] * 8, "val_loss": [1.0] * 2})
    steps = of_history({"loss": [1.0] * 8, "val_loss": [None, None, 2.0, None, None, 1.0, None, None]}).steps
    assert steps["valid/loss"].to_list() == [None, None, 2.0, None, None, 1.0, None, None]


@pytest.mark.parametrize("given", [None, 3, ["loss"], {"loss": 0.3}, {"loss": "low"}, object()])
def test_what_is_nothing_to_diagnose_is_said_with_what_is(given):
    with pytest.raises(UsageError, match="is nothing to diagnose; give a run, its folder, the CSV log of another tool"):
        pj.diagnose(given)


def test_a_history_without_losses_and_one_with_a_time_are_refused():
    with pytest.raises(DataError, match=r"its columns are c0, c1.*, c11 and 288 more; a log has"):
        pj.diagnose({f"c{number}": [1.0] for number in range(300)})
    with pytest.raises(DataError, match=f"its columns are {'x' * 39}…; a log has"):
        pj.diagnose({"x" * 500: [1.0]})
    with pytest.raises(DataError, match="history holds no losses: its columns are accuracy"):
        pj.diagnose({"accuracy": [0.5, 0.6]})
    with pytest.raises(DataError, match="history holds no losses: it has no rows"):
        pj.diagnose({})
    with pytest.raises(UsageError, match="a history is a log, and experiments take a run: leave time out"):
        pj.diagnose(turned(), time="10s")


def test_a_log_of_keras_is_read(tmp_path):
    rows = "\n".join(f"{epoch},0.5,{train},0.5,{valid}" for epoch, (train, valid) in enumerate(TURNED))
    found = pj.diagnose(log(tmp_path, KERAS.format(rows)))
    assert names(found) == ["overfit"]
    assert "slow_input" in [check.name for check in found.not_examined]
    assert found.lines()[-1].startswith("not examined, for the record lacks what it takes: ")


def test_the_sparse_rows_of_lightning_become_one_an_epoch(tmp_path):
    rows = [
        line
        for epoch, (train, valid) in enumerate(TURNED)
        for line in (f"{epoch},{epoch * 10 + 4},,{train}", f"{epoch},{epoch * 10 + 9},{valid},")
    ]
    steps = foreign(log(tmp_path, "epoch,step,val_loss,train_loss\n" + "\n".join(rows))).steps
    assert steps["valid/loss"].to_list() == [valid for _, valid in TURNED]
    assert steps["train/loss"].to_list() == [train for train, _ in TURNED]


def test_of_a_log_that_two_trainings_were_appended_to_the_last_one_is_read(tmp_path):
    """Keras appends so; the second training is the shorter one here, and a test of it comes last."""
    trainings = [f"{epoch},{1 / (epoch + 1)},," for epoch in range(9)] + ["0,0.9,0.8,", "1,0.6,0.7,", "2,0.5,0.6,"]
    rows = "\n".join(["epoch,loss,val_loss,test_loss", *trainings, "0,,,0.65"])
    steps = foreign(log(tmp_path, rows)).steps
    assert steps["step"].to_list() == [1, 2, 3]
    assert steps["train/loss"].to_list() == [0.9, 0.6, 0.5]
    assert steps["valid/loss"].to_list() == [0.8, 0.7, 0.6]


def test_a_log_from_its_last_epoch_to_its_first_is_one_training(tmp_path):
    steps = foreign(log(tmp_path, "epoch,loss\n" + "".join(f"{epoch},{epoch}\n" for epoch in (3, 2, 1, 0)))).steps
    assert len(steps) == 4


def test_a_log_without_numbered_rows_has_a_row_an_epoch(tmp_path):
    assert foreign(log(tmp_path, "Loss\n1\n0.5\n")).steps["step"].to_list() == [1, 2]


@pytest.mark.parametrize(
    ("train", "valid"),
    [("train/loss", "val/loss"), ("train/running_loss", "valid/loss"), ("train_loss_epoch", "eval/loss")],
)
def test_names_with_a_slash_are_read(tmp_path, train, valid):
    rows = "\n".join(f"{10 * row},{one},{other}" for row, (one, other) in enumerate(TURNED, 1))
    record = foreign(log(tmp_path, f"step,{train},{valid}\n{rows}"))
    assert record.steps["train/running_loss"].to_list() == [one for one, _ in TURNED]
    assert record.steps["valid/loss"].to_list() == [other for _, other in TURNED]
    assert record.counted == "step"
    assert record.steps["step"].to_list() == [10 * row for row in range(1, 8)]


def test_what_our_own_watcher_writes_is_read(tmp_path):
    writer = CsvWriter(tmp_path / "own.csv")
    rows = example_steps().steps.to_dicts()
    for row in rows:
        writer.write(row["step"], {name: value for name, value in row.items() if name != "step"})
    writer.close()
    record = foreign(tmp_path / "own.csv")
    for name in ("step", "train/running_loss", "train/loss", "valid/loss", "gradient/norm", "rate"):
        assert record.steps[name].to_list() == [row[name] for row in rows]


def test_parts_of_epochs_do_not_number_epochs(tmp_path):
    record = foreign(log(tmp_path, "epoch,step,loss\n0.5,100,1.0\n1.0,200,0.5\n1.5,300,0.4\n"))
    assert (record.counted, record.steps["step"].to_list()) == ("step", [100, 200, 300])
    whole = foreign(log(tmp_path, "epoch,step,loss\n0,100,1.0\n0,200,0.5\n1,300,0.4\n"))
    assert (whole.counted, whole.steps["step"].to_list()) == ("epoch", [1, 2])


@pytest.mark.parametrize("number", ["", "final", "nan"])
def test_a_row_without_a_number_is_no_step_and_no_epoch(tmp_path, number):
    record = foreign(log(tmp_path, f"step,loss\n100,1.0\n200.0,0.5\n200,0.4\n{number},9.0\n"))
    assert (record.counted, record.steps["step"].to_list()) == ("step", [100, 200])
    assert record.steps["train/loss"].to_list() == [1.0, 0.4]
    epochs = foreign(log(tmp_path, f"epoch,loss\n0,1.0\n1,0.5\n{number},9.0\n"))
    assert (epochs.counted, epochs.steps["train/loss"].to_list()) == ("epoch", [1.0, 0.5])


def test_steps_that_number_nothing_are_not_counted_in(tmp_path):
    """Parts of steps, steps that begin anew, none at all: each row is an epoch, and none is lost."""
    for steps in (["0.5", "0.5", "0.7"], ["200", "100", "100"], ["", "", ""], ["one", "two", "two"]):
        rows = "\n".join(f"{step},{loss}" for step, loss in zip(steps, (1.0, 0.5, 0.4), strict=True))
        record = foreign(log(tmp_path, f"step,loss\n{rows}\n"))
        assert (record.counted, record.steps["step"].to_list()) == ("epoch", [1, 2, 3])
    by_step = foreign(log(tmp_path, "epoch,step,loss\n,100,1.0\n,200,0.5\n"))
    assert (by_step.counted, by_step.steps["step"].to_list()) == ("step", [100, 200])


def test_a_time_of_day_does_not_refuse_a_log(tmp_path):
    steps = foreign(log(tmp_path, "epoch,time,loss\n0,12:00:01,1.5\n1,12:01:01,1.2\n")).steps
    assert steps["train/loss"].to_list() == [1.5, 1.2]
    assert "seconds" not in steps.columns
    assert foreign(log(tmp_path, "epoch,time,loss\n0,3,1.5\n1,7.5,1.2\n")).steps["seconds"].to_list() == [3, 7.5]


def test_a_log_in_another_encoding_is_read(tmp_path):
    file = tmp_path / "log.csv"
    file.write_bytes("epoch,loss,Straße\n0,1.5,ä\n1,1.2,ö\n".encode("utf-16"))
    assert foreign(file).steps["train/loss"].to_list() == [1.5, 1.2]


def test_a_log_is_advised_in_epochs_and_without_our_options(tmp_path):
    turned = "\n".join(f"{epoch},{train},{valid}" for epoch, (train, valid) in enumerate(TURNED))
    leaping = "\n".join(f"{epoch},{loss},1" for epoch, loss in enumerate([1.2, 0.8, 1.1, 0.7, 1.2, 0.6, 1.1, 0.5]))
    exploded = "\n".join(f"{epoch},{loss},1" for epoch, loss in enumerate([1.2, 0.8, "nan", "nan"]))
    falling = "\n".join(f"{epoch},{0.9**epoch},{0.9**epoch * 1.02}" for epoch in range(10))
    long = "\n".join(f"{epoch},{1 / epoch},{max(1 / epoch, 0.3)}" for epoch in range(1, 11))
    told = {}
    for name, rows in [("over", turned), ("leap", leaping), ("nan", exploded), ("fall", falling), ("long", long)]:
        found = pj.diagnose(log(tmp_path, f"epoch,loss,val_loss\n{rows}\n", f"{name}.csv"))
        told |= {finding.name: finding for finding in found.findings}
    gradients = "\n".join(f"{epoch},{1 / epoch},{500 if epoch == 6 else 2}" for epoch in range(1, 11))
    found = pj.diagnose(log(tmp_path, f"epoch,loss,grad_norm\n{gradients}\n"))
    told |= {finding.name: finding for finding in found.findings}
    names = {"overfit", "oscillating", "diverged", "stopped_early", "trained_long", "exploding_gradient"}
    assert set(told) == names
    for finding in told.values():
        assert "--" not in finding.message
        assert "update" not in finding.message
        assert "were kept" not in finding.message
        assert finding.remedies == ()
    assert "since epoch 4 the validation loss rose" in told["overfit"].message
    assert "after 3 epochs its loss was not a number" in told["diverged"].message
    assert "Give it more epochs." in told["stopped_early"].message


def test_a_log_with_gradients_alone_does_not_examine_layers(tmp_path):
    rows = "\n".join(f"{epoch},{1 / (epoch + 1)},2.0" for epoch in range(8))
    found = pj.diagnose(log(tmp_path, f"epoch,loss,grad_norm\n{rows}\n"))
    blind = {check.name: check.message for check in found.not_examined}
    of_layers = {"dead_units", "saturated_units", "unscaled_input", "vanishing_gradient", "crawling"}
    assert of_layers <= set(blind)
    assert "exploding_gradient" in found.examined
    assert blind["dead_units"] == "not examined, because there are no activations"


def test_a_log_that_is_nearly_perfect_from_its_first_epoch_on_is_well(tmp_path):
    """As a good training on handwritten digits logs it: trembling at a thirtieth of the first epoch's loss."""
    train = [0.25, 0.03, 0.012, 0.005, 0.009, 0.005, 0.009, 0.006, 0.009, 0.005]
    valid = [0.09, 0.05, 0.035, 0.030, 0.036, 0.039, 0.042, 0.043, 0.044, 0.045]
    rows = "\n".join(f"{epoch},{one},{other}" for epoch, (one, other) in enumerate(zip(train, valid, strict=True)))
    found = pj.diagnose(log(tmp_path, f"epoch,loss,val_loss\n{rows}\n"))
    assert [one.name for one in found.findings if one.level != "info"] == []
    falling = "\n".join(f"{epoch},{one},{one}" for epoch, one in enumerate([0.25, 0.03, 0.02, 0.012, 0.01, 0.009]))
    assert names(pj.diagnose(log(tmp_path, f"epoch,loss,val_loss\n{falling}\n", "falling.csv"))) == []


def test_one_epoch_that_is_not_a_number_is_no_divergence(tmp_path):
    rows = "\n".join(f"{epoch},{1 / (epoch + 1)},{'nan' if epoch == 3 else 1 / (epoch + 1)}" for epoch in range(8))
    record = foreign(log(tmp_path, f"epoch,loss,val_loss\n{rows}\n"))
    assert diverged.look(record) is None
    assert sound_steps(record)["step"].to_list() == [1, 2, 3, 5, 6, 7, 8]


def test_one_epoch_is_told_as_one(tmp_path):
    (finding,) = pj.diagnose(log(tmp_path, "epoch,loss\n0,nan\n1,nan\n")).findings
    assert "after 1 epoch its loss was not a number" in finding.message


@pytest.mark.parametrize("lost", ["nan", "inf", "-inf", "NaN"])
def test_a_loss_that_is_not_a_number_has_diverged(tmp_path, lost):
    found = pj.diagnose(log(tmp_path, f"epoch,loss\n0,1.5\n1,{lost}\n2,{lost}\n"))
    assert names(found) == ["diverged"]
    assert found.findings[0].evidence == {"step": 2, "evaluations_before": 1}


def test_an_empty_cell_has_not_diverged(tmp_path):
    assert names(pj.diagnose(log(tmp_path, "epoch,loss,val_loss\n0,1.5,\n1,1.2,1.4\n"))) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it has no rows"),
        ("epoch,loss\n", "it has no rows"),
        ("epoch,accuracy\n0,0.5\n", "its columns are epoch, accuracy"),
        ("epoch,loss\n0,low\n", '"low" in the column loss is not a number'),
    ],
)
def test_what_is_no_log_is_said(tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        pj.diagnose(log(tmp_path, text))


def test_what_is_no_text_is_said(tmp_path):
    file = tmp_path / "log.csv"
    file.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(DataError, match=r"NUL byte|is not text"):
        pj.diagnose(file)


def test_a_run_that_is_not_there_is_said(tmp_path):
    with pytest.raises(RunError, match="there is no run folder"):
        pj.diagnose(tmp_path / "none")


def test_a_run_without_a_record_is_not_examined_and_never_healthy(tmp_path):
    found = pj.diagnose(run_folder(tmp_path, type(example_steps())()))
    assert found.findings == ()
    assert {check.name for check in found.not_examined} >= {"diverged", "not_learning", "overfit"}
    assert found.lines() == ["there is no record to examine: the training wrote none yet"]


def test_layers_that_a_record_names_with_slashes_are_found():
    steps = example_steps(**{"activation/a/b/dead": [0.9] * 10}).steps
    assert isinstance(steps, pl.DataFrame)
    from penjing.checks import by_layer

    assert by_layer(steps, "activation", "dead")["a/b"][-1] == 0.9


def test_useless_columns_of_a_run_are_told_by_their_intervals_and_older_runs_have_none(tmp_path):
    folder = run_folder(tmp_path, useless_input.sick())
    assert names(pj.diagnose(folder)) == ["useless_input"]
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    older = [{name: one[name] for name in ("input", "column", "drop")} for one in results["contributions"]]
    write_json(folder / "results.json", {"contributions": older})
    found = pj.diagnose(folder)
    assert names(found) == []
    blind = {check.name: check.message for check in found.not_examined}
    assert blind["useless_input"] == "not examined, because there is no measure of what all inputs give together"
    assert "useless_input" not in found.examined
