"""What a diagnosis finds stands in the report with its picture, drawn from the run's files alone."""

from __future__ import annotations

import html
import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fake_run import write_run

from penjing.checks import names_for
from penjing.checks._examples import example_trials
from penjing.core import plugins
from penjing.core.files import write_json, write_lines
from penjing.core.finding import Finding
from penjing.core.record import Record
from penjing.core.report import _doctor, _figures, _tables, save_figures, write_report
from penjing.core.report._read import read_run

OF_A_TRAINING = names_for("steps", "items", "inputs", "choices", "trials")


def folder_of(name: str, place: Path) -> tuple[Path, Finding]:
    """A run folder that holds the sick record of a check, and what the check says of it."""
    check = plugins.load("checks", name)
    record = check.sick()
    finding = check.look(record)
    write_run(place)
    for file in ("record.jsonl", "predictions.parquet"):
        (place / file).unlink()
    if record.steps is not None:
        write_lines(place / "record.jsonl", record.steps.to_dicts())
    if record.items is not None:
        named = {"part": pl.lit("valid"), "name": pl.col("hash"), "target": pl.lit("a"), "predicted": pl.lit("a")}
        missing = {column: values for column, values in named.items() if column not in record.items.columns}
        record.items.with_columns(**missing).write_parquet(place / "predictions.parquet")
    if record.inputs is not None:
        write_json(place / "inputs.json", record.inputs.to_dicts())
    if record.trials is not None:
        write_lines(place / "trials.jsonl", record.trials.to_dicts())
    return place, finding


@pytest.mark.parametrize("name", OF_A_TRAINING)
def test_a_picture_is_drawn_of_what_a_check_found(name: str, tmp_path: Path) -> None:
    place, finding = folder_of(name, tmp_path / "run")
    figure = _doctor.draw(read_run(place), finding)
    if _doctor.picture_of(finding) in ("contributions", "doubt"):  # the made-up run has no such numbers
        return
    assert figure is not None
    svg = _figures.to_svg(figure, name)
    assert "mathdefault" not in svg
    assert len(re.findall("<text", svg)) >= 3


def test_the_turning_point_of_the_losses_is_marked(tmp_path: Path) -> None:
    place, finding = folder_of("overfit", tmp_path / "run")
    figure = _doctor.draw(read_run(place), finding)
    assert figure is not None
    (axes,) = figure.axes
    marks = [line for line in axes.lines if list(line.get_xdata()) == [400.0, 400.0]]
    assert len(marks) == 1
    assert [text.get_text().strip() for text in axes.texts] == ["400"]


def test_what_an_answer_states_is_told_of_the_class_that_it_names(tmp_path: Path) -> None:
    run = tmp_path / "run"
    write_run(run)
    files = read_run(run)
    greatest = files.network["probability"].list.max().to_numpy()
    np.testing.assert_allclose(_tables.stated(files), greatest)
    files.predictions.with_columns(predicted=pl.lit(files.classes[0])).write_parquet(run / "predictions.parquet")
    first = files.network["probability"].list.first().to_numpy()
    np.testing.assert_allclose(_tables.stated(read_run(run)), first)


def test_the_page_shows_each_finding_with_its_picture(tmp_path: Path) -> None:
    place, finding = folder_of("overfit", tmp_path / "run")
    odd = Finding("my_own", "info", "It is <b>odd</b>.")
    page = write_report(place, findings=[finding, odd]).read_text(encoding="utf-8")
    section = page[page.index('id="findings"') :].partition("</section>")[0]
    assert finding.message in section
    assert section.count("<svg") == 1
    assert "It is &lt;b&gt;odd&lt;/b&gt;." in section
    assert section.index("overfit") < section.index("my own")
    assert 'id="findings"' not in write_report(place).read_text(encoding="utf-8")


def test_pictures_of_findings_can_be_saved(tmp_path: Path) -> None:
    place, finding = folder_of("dead_units", tmp_path / "run")
    written = [path.name for path in save_figures(place, tmp_path / "figures", [finding])]
    assert {"finding_dead_units.svg", "finding_dead_units.png"} <= set(written)
    assert json.dumps(finding.evidence)


def test_pictures_of_experiments_hold_the_longest_trainings_alone_and_name_their_seeds(tmp_path: Path) -> None:
    larger = [
        {"experiment": "larger", "setting": "width", "gain": gain, "seed": seed} for seed, gain in enumerate((3, 2))
    ]
    short = {"experiment": "larger", "setting": "width", "gain": -50, "share": 0.3}
    place = with_trials(tmp_path, example_trials(short, *larger))
    figure = _doctor.draw(read_run(place), Finding("small_model", "info", ""))
    assert figure is not None
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["larger network, seed 0", "larger network, seed 1"]


def test_a_learning_curve_has_one_point_a_share_the_mean_over_seeds_of_the_longest_trainings(tmp_path: Path) -> None:
    half = [{"experiment": "share", "setting": "0.5", "seed": seed, "value": 0.8 + 0.02 * seed} for seed in range(2)]
    short = [{"share": 0.3, "value": 0.5}, {"experiment": "share", "setting": "0.25", "share": 0.3, "value": 0.2}]
    record = example_trials(*short, *half, {"experiment": "seed", "setting": "1", "value": 0.88})
    evidence = {"gain": 0.05, "low": 0.01, "high": 0.08}
    figure = _doctor.draw(
        read_run(with_trials(tmp_path, record)), Finding("few_examples", "info", "", evidence=evidence)
    )
    assert figure is not None
    curve, promise = figure.axes[0].lines
    assert list(curve.get_xdata()) == [0.5, 1.0]
    assert list(curve.get_ydata()) == pytest.approx([0.81, 0.89])
    assert list(promise.get_ydata()) == pytest.approx([0.89, 0.94])


def test_what_is_shown_alone_is_not_said_to_be_hidden(tmp_path: Path) -> None:
    settings = ("centre", "border", "centre alone", "border alone")
    record = example_trials(*({"experiment": "hidden", "setting": one, "gain": -0.1} for one in settings))
    figure = _doctor.draw(read_run(with_trials(tmp_path, record)), Finding("shortcut", "warning", ""))
    assert figure is not None
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    linear = ["linear model of the centre alone", "linear model of the border alone"]
    assert names == ["centre hidden", "border hidden", *linear]


def test_doubted_training_items_are_in_the_picture_of_doubted_labels(tmp_path: Path) -> None:
    place = write_run(tmp_path / "run")
    network = pl.read_parquet(place / "predictions.parquet").filter(model="network")
    doubted = network.filter(pl.col("target") != pl.col("predicted"))["name"].to_list()
    training = pl.read_parquet(place / "split.parquet").filter(part="train").head(7)
    answers = training.select(
        pl.lit("held_out").alias("model"),
        "hash",
        "name",
        "part",
        pl.lit("late").alias("target"),
        pl.lit("early").alias("predicted"),
        pl.Series("probability", [[0.01, 0.98, 0.01]] * len(training), dtype=pl.List(pl.Float32)),
    )
    answers.write_parquet(place / "held_out.parquet")
    evidence = {"hashes": training["hash"].to_list()[:5]}
    finding = Finding("label_errors", "warning", "", evidence=evidence, items=tuple(doubted))
    others, bars = heights(place, finding)
    assert bars.sum() == len(doubted) + 5
    assert bars[0] >= 5
    assert others.sum() == len(network) - len(doubted) + 2
    (place / "held_out.parquet").unlink()
    assert heights(place, finding)[1].sum() == len(doubted)


def test_what_reading_the_data_found_is_shown_with_why_there_is_no_picture(tmp_path: Path) -> None:
    place, finding = folder_of("overfit", tmp_path / "run")
    run = json.loads((place / "run.json").read_text(encoding="utf-8"))
    sick = [plugins.load("checks", name).look(plugins.load("checks", name).sick()) for name in ("imbalance", "leak")]
    kept = [asdict(one) for one in (*sick, Finding("overfit", "info", "Told twice."))]
    write_json(place / "run.json", {**run, "findings": [*kept, {"name": "odd"}]})
    (place / "record.jsonl").unlink()
    page = write_report(place, findings=[finding]).read_text(encoding="utf-8")
    section = page[page.index('id="findings"') :].partition("</section>")[0]
    assert re.findall(r"</span> ([a-z ]+)</h3>", section) == [
        one.name for one in sorted([finding, *sick], key=lambda one: ("error", "warning", "info").index(one.level))
    ]
    assert section.count("Told by the data as they were read, before any training; it has no picture.") == 2
    assert section.count("The files of this run hold nothing to draw of it.") == 1
    assert "Told twice." not in section
    assert sick[0].message in html.unescape(section)


def heights(place: Path, finding: Finding) -> list[np.ndarray]:
    """The bars of the picture of a finding, of either kind."""
    figure = _doctor.draw(read_run(place), finding)
    assert figure is not None
    return [np.array([bar.get_height() for bar in kind]) for kind in figure.axes[0].containers]


def with_trials(folder: Path, record: Record) -> Path:
    """A run folder with these experiments."""
    assert record.trials is not None
    write_run(folder / "run")
    write_lines(folder / "run" / "trials.jsonl", record.trials.to_dicts())
    return folder / "run"
