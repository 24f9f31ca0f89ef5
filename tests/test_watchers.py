"""Writers for `watch=` keep every evaluation, several at once, and hold nothing open."""

from __future__ import annotations

import csv
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penjing as pj
from penjing._bar import watching
from penjing.core.events import Decided, Evaluated, Finished, Said, Started
from penjing.core.recipe import Recipe
from penjing.watchers import CsvWriter, MlflowWriter, TensorBoardWriter
from penjing.workflows._foreign import foreign

FIRST = Evaluated(10, {"step": 10.0, "valid/accuracy": 0.5, "train/loss": 1.25})
SECOND = Evaluated(20, {"valid/accuracy": 0.75, "train/loss": float("nan")})


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_csv_file_has_one_row_an_evaluation_also_after_a_stage_ended(tmp_path: Path) -> None:
    path = tmp_path / "曲线" / "curve.csv"
    writer = CsvWriter(path)
    for event in (Said("hello"), FIRST, Finished("training"), SECOND):
        writer(event)
    writer.close()
    assert rows(path) == [["step", "valid/accuracy", "train/loss"], ["10", "0.5", "1.25"], ["20", "0.75", ""]]


def test_a_csv_file_behind_a_link_is_written_through_it(tmp_path: Path) -> None:
    real, link = tmp_path / "real.csv", tmp_path / "curve.csv"
    link.symlink_to(real)
    with CsvWriter(link) as writer:
        writer(FIRST)
        writer(Evaluated(20, {"valid/accuracy": 0.75, "layer/first": 2.0}))  # a column more
    assert link.is_symlink()
    assert rows(real)[0] == ["step", "valid/accuracy", "train/loss", "layer/first"]
    assert len(rows(real)) == 3


def test_a_csv_writer_is_closed_by_the_verb_and_by_its_own_block(tmp_path: Path) -> None:
    writer = CsvWriter(tmp_path / "a.csv")
    with watching([writer, None]) as told:
        assert told is not None
        told(FIRST)
    assert writer._file is None
    with CsvWriter(tmp_path / "b.csv") as other:
        other(FIRST)
    assert other._file is None


def test_several_are_told_the_same() -> None:
    one: list[Any] = []
    two: list[Any] = []
    with watching([one.append, two.append]) as told:
        assert told is not None
        told(FIRST)
    assert one == two == [FIRST]


def test_a_list_of_something_else_is_refused() -> None:
    with pytest.raises(pj.UsageError, match="watch=3 cannot be told"), watching([3]):  # type: ignore[list-item]
        pass


def test_a_csv_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(pj.RunError, match=r"taken"):
        CsvWriter(tmp_path / "taken" / "curve.csv")(FIRST)


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with TensorBoardWriter(tmp_path) as writer:
        for event in (FIRST, Decided("network", "cnn", "it was best"), SECOND, Finished("training")):
            writer(event)
    found = EventAccumulator(str(tmp_path)).Reload()
    assert [(one.step, one.value) for one in found.Scalars("valid/accuracy")] == [(10, 0.5), (20, 0.75)]
    assert [one.step for one in found.Scalars("train/loss")] == [10]


def test_what_a_fit_writes_for_tensorboard_and_csv_is_its_record(tmp_path: Path) -> None:
    """Read back by TensorBoard's own reader, which keeps single precision."""
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    draw = np.random.default_rng(0)
    data = {"size": draw.normal(size=80), "label": ["up", "down"] * 40}
    recipe = Recipe.from_toml(
        'model = { name = "tabular" }\ntraining = { steps = 12, batch_size = 16, evaluations = 3 }'
    ).filled()
    writers = [TensorBoardWriter(tmp_path / "logs"), CsvWriter(tmp_path / "curve.csv")]
    run = pj.fit(data, target="label", recipe=recipe, out=tmp_path / "run", watch=writers)
    found = EventAccumulator(str(tmp_path / "logs")).Reload()
    record = [{name: value for name, value in line.items() if name != "step"} for line in run.steps]
    steps = [line["step"] for line in run.steps]
    assert len(steps) == 3
    assert set(found.Tags()["scalars"]) == set(record[0])
    for name in record[0]:
        scalars = found.Scalars(name)
        assert [one.step for one in scalars] == steps, name
        assert [one.value for one in scalars] == pytest.approx([line[name] for line in record], rel=1e-6), name
    head, *lines = rows(tmp_path / "curve.csv")
    place = head.index("valid/accuracy")
    assert [float(line[place]) for line in lines] == [line["valid/accuracy"] for line in record]


@pytest.mark.parametrize(("writer", "package"), [(MlflowWriter, "mlflow"), (TensorBoardWriter, "tensorboard")])
def test_a_missing_package_says_how_to_get_it(
    writer: Any, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(pj.MissingExtra, match=rf"{package} is needed .* pip install 'penjing\[track\]'"):
        writer(str(tmp_path))


class Client:
    """Keeps what MLflow's client is asked."""

    calls: list[tuple[Any, ...]] = []  # noqa: RUF012

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **named: self.calls.append((name, *given, *named.values()))


def test_mlflow_gets_metrics_and_choices_in_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = types.ModuleType("mlflow")

    class Active:
        info = types.SimpleNamespace(run_id="r1")

        def __enter__(self) -> Active:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    Client.calls.clear()
    module.MlflowClient, module.start_run = Client, lambda run_name=None: Active()
    module.set_experiment = lambda name: Client.calls.append(("set_experiment", name))
    module.active_run = lambda: None
    monkeypatch.setitem(sys.modules, "mlflow", module)
    writer = MlflowWriter("cells", "first")
    events = (FIRST, Decided("network", "cnn", ""), Decided("network", "mlp", ""), Finished("training"), SECOND)
    for event in events:
        writer(event)
    writer.close()
    assert Client.calls == [
        ("set_experiment", "cells"),
        ("log_metric", "r1", "valid/accuracy", 0.5, 10),
        ("log_metric", "r1", "train/loss", 1.25, 10),
        ("log_param", "r1", "network", "cnn"),
        ("set_terminated", "r1"),
        ("update_run", "r1", "RUNNING"),
        ("log_metric", "r1", "valid/accuracy", 0.75, 20),
        ("set_terminated", "r1"),
    ]


def test_an_mlflow_run_that_is_active_is_written_to_and_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = types.ModuleType("mlflow")
    Client.calls.clear()
    module.MlflowClient = Client
    module.active_run = lambda: types.SimpleNamespace(info=types.SimpleNamespace(run_id="mine"))
    monkeypatch.setitem(sys.modules, "mlflow", module)
    writer = MlflowWriter()
    for event in (FIRST, Finished("training"), SECOND):
        writer(event)
    writer.close()
    assert {call[0] for call in Client.calls} == {"log_metric"}
    assert {call[1] for call in Client.calls} == {"mine"}


HEAD = Evaluated(10, {"valid/loss": 2.0, "valid/accuracy": float("nan")})
LAYERS = Evaluated(5, {"valid/loss": 1.5, "valid/accuracy": 0.25, "layer/first/grad_norm": 0.125})
TRAININGS = (
    Started("training", 10, "steps"),
    HEAD,
    Finished("training"),
    Started("honest floor", None, "models"),
    Started("training", 20, "steps"),
    LAYERS,
    Evaluated(40, {"valid/loss": 1.0, "valid/accuracy": 0.75, "layer/first/grad_norm": 0.0625}),
)


def test_a_csv_file_tells_trainings_apart_and_loses_no_column(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    with CsvWriter(path) as writer:
        for event in TRAININGS:
            writer(event)
    assert rows(path) == [
        ["training", "step", "valid/loss", "valid/accuracy", "layer/first/grad_norm"],
        ["1", "10", "2.0", "", ""],
        ["2", "5", "1.5", "0.25", "0.125"],
        ["2", "40", "1.0", "0.75", "0.0625"],
    ]
    assert [one.name for one in tmp_path.iterdir()] == ["curve.csv"]


def test_a_training_is_another_where_one_began_or_steps_begin_again(tmp_path: Path) -> None:
    writer = CsvWriter(tmp_path / "curve.csv")
    for event in (Evaluated(10, {"a": 1.0}), Evaluated(20, {"a": 1.0})):
        writer(event)
    assert (writer.training, writer.prefix) == (1, "")
    writer(Evaluated(20, {"a": 1.0}))
    writer(Started("training", 90, "steps"))
    writer(Evaluated(30, {"a": 1.0}))
    assert (writer.training, writer.prefix) == (3, "training_3/")
    writer.close()


def test_diagnose_reads_the_last_training_of_a_written_curve(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    with CsvWriter(path) as writer:
        for event in TRAININGS:
            writer(event)
    record = foreign(path)
    assert record.steps["step"].to_list() == [5, 40]
    assert record.steps["valid/loss"].to_list() == [1.5, 1.0]


def test_tensorboard_names_the_second_training(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with TensorBoardWriter(tmp_path) as writer:
        for event in TRAININGS:
            writer(event)
    found = EventAccumulator(str(tmp_path)).Reload()
    assert [(one.step, one.value) for one in found.Scalars("valid/loss")] == [(10, 2.0)]
    assert [(one.step, one.value) for one in found.Scalars("training_2/valid/loss")] == [(5, 1.5), (40, 1.0)]
