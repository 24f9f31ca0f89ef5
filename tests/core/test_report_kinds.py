"""The report of runs that are not pictures in classes: numbers, labels, texts, rows, and what inputs contribute."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fake_run import Shape, score, write_run
from sklearn.metrics import f1_score, precision_score, recall_score

from penjing.core.report import (
    _answers,
    _figures,
    _items,
    _read,
    _sections,
    _tables,
    _words,
    save_figures,
    text,
    write_report,
)

TEXT = {"review": {"modality": "text", "columns": {"review": "text"}}}
TABLE = {"table": {"modality": "table", "columns": {"tenure": "number", "contract": "category"}}}


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **values}), encoding="utf-8")


def make(folder: Path, task: str, inputs: Mapping[str, Any], names: list[str] | None = None) -> Path:
    """A made-up run of any task, without pictures."""
    run = write_run(folder, Shape(items=200))
    (run / "pictures.npz").unlink()
    data = json.loads((run / "run.json").read_text(encoding="utf-8"))["data"]
    change(run / "run.json", data={**data, "task": task, "inputs": inputs, "classes": {} if names else data["classes"]})
    if names:
        change(run / "results.json", classes=names)
    return run


def make_numbers(folder: Path) -> Path:
    run = make(folder, "regress", TABLE, ["price"])
    draw = np.random.default_rng(0)
    old = pl.read_parquet(run / "predictions.parquet").filter(model="network")
    truth = draw.uniform(10_000, 90_000, len(old))
    answer = truth + draw.normal(0, 3_000, len(old))
    answer[7] = truth[7] - 50_000
    numbers = old.with_columns(target=pl.Series(truth), predicted=pl.Series(answer))
    numbers.write_parquet(run / "predictions.parquet")
    scores = [
        score(model, value, len(old), "valid", "r2", 0.02) for model, value in (("network", 0.9), ("mean", -1e-9))
    ]
    change(run / "results.json", scores=scores, chosen_by="r2", below=-4_900.0, above=5_100.0, coverage=0.9)
    return run


def make_labels(folder: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    names = ["cat", "dog", "狗"]
    run = make(folder, "tag", TEXT, names)
    draw = np.random.default_rng(1)
    old = pl.read_parquet(run / "predictions.parquet").filter(model="network")
    truth = draw.random((len(old), 3)) < 0.4
    answer = truth ^ (draw.random(truth.shape) < 0.2)
    told = [
        [[name for name, there in zip(names, row, strict=True) if there] for row in rows] for rows in (truth, answer)
    ]
    old.with_columns(target=pl.Series(told[0]), predicted=pl.Series(told[1])).write_parquet(run / "predictions.parquet")
    change(run / "results.json", scores=[score("network", 0.7, len(old), "valid", "macro_f1")], chosen_by="macro_f1")
    return run, truth, answer


def show_cells(run: Path, cells: list[dict[str, str | None]], planted: dict[str, str] | None = None) -> list[str]:
    """Cells for the first of the predicted items, and one of a test item."""
    hashes = pl.read_parquet(run / "predictions.parquet").filter(model="network")["hash"].unique(maintain_order=True)
    rows = [{"hash": item, "part": "valid", "cells": one} for item, one in zip(hashes, cells, strict=False)]
    if planted is not None:
        test = pl.read_parquet(run / "split.parquet").filter(part="test")["hash"][0]
        rows.append({"hash": test, "part": "valid", "cells": planted})
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(run / "shown.parquet")
    return hashes.to_list()


def page(run: Path, **options: bool) -> str:
    return write_report(run, **options).read_text(encoding="utf-8")


def test_predicted_numbers_have_a_scatter_an_interval_and_the_largest_errors_and_no_classes(tmp_path: Path) -> None:
    run = make_numbers(tmp_path / "run")
    html = page(run)
    assert 'id="numbers"' in html
    for section in ("confusion", "classes", "reliability", "suspects", "mistakes", "labels"):
        assert f'<section id="{section}"' not in html
    assert "The network predicts price and reaches an R² of 0.900 on rows it was not trained on." in html
    assert "the truth of 90 lies between the answer −4,900 and the answer +5,100" in html
    largest = _answers.numbers(_read.read_run(run), _album())
    assert largest is not None
    assert largest["largest"][0].stated.startswith("−50,000")


def _album() -> Any:
    from penjing.core.report._pictures import Album

    return Album({}, 0)


def test_errors_are_answer_minus_truth_the_largest_first(tmp_path: Path) -> None:
    errors = _tables.errors(_read.read_run(make_numbers(tmp_path / "run")))
    assert (errors["predicted"] - errors["target"]).to_list() == pytest.approx(errors["error"].to_list())
    assert errors["error"].abs().is_sorted(descending=True)


def test_a_scatter_of_many_items_is_thinned_and_keeps_the_largest_errors() -> None:
    truth = np.arange(5000.0)
    error = np.linspace(100, 0, 5000)
    frame = pl.DataFrame(
        {"hash": [f"{n:05d}" for n in range(5000)], "target": truth, "predicted": truth + error, "error": error}
    )
    figure = _figures.predicted_against_true(frame, (-10.0, 20.0))
    assert figure is not None
    points = figure.axes[0].lines[-1].get_xydata()
    assert len(points) == _figures.MOST_POINTS
    assert [0.0, 100.0] in points.tolist()
    assert len(_figures.to_svg(figure, "scatter")) < 250_000


def test_labels_agree_with_scikit_learn(tmp_path: Path) -> None:
    run, truth, answer = make_labels(tmp_path / "run")
    rows = {row["label"]: row for row in _tables.per_label(_read.read_run(run)).iter_rows(named=True)}
    for place, name in enumerate(("cat", "dog", "狗")):
        assert rows[name]["share"] == pytest.approx(truth[:, place].mean())
        assert rows[name]["found"] == pytest.approx(recall_score(truth[:, place], answer[:, place]))
        assert rows[name]["trusted"] == pytest.approx(precision_score(truth[:, place], answer[:, place]))
        assert rows[name]["f1"] == pytest.approx(f1_score(truth[:, place], answer[:, place]))
    html = page(run)
    assert 'id="labels"' in html
    assert 'id="confusion"' not in html
    assert "tells which of 3 labels texts have" in html


def test_texts_are_shown_escaped_and_those_of_test_items_never(tmp_path: Path) -> None:
    run = make(tmp_path / "run", "classify", TEXT)
    hashes = show_cells(run, [{"review": f"<b>好 {number}</b>"} for number in range(200)], {"review": "secret words"})
    html = page(run)
    assert "&lt;b&gt;好" in html
    assert "<b>好" not in html
    assert "secret words" not in html
    assert hashes[0] not in html
    assert "of the texts it was not trained on" in html
    assert "好" not in page(run, pictures=False)
    assert "It holds no texts." in page(run, pictures=False)


def test_cells_are_shown_with_the_most_important_column_first(tmp_path: Path) -> None:
    run = make(tmp_path / "run", "classify", TABLE)
    hashes = show_cells(run, [{"tenure": "70", "contract": "monthly"}, {"tenure": None, "contract": "yearly"}])
    contributed = [{"input": "table", "column": "contract", "metric": "accuracy", "value": 0.7, "drop": 0.1}]
    change(run / "results.json", contributions=contributed)
    files = _read.read_run(run)
    assert _items.cells_of(files, hashes[0]) == (("contract", "monthly"), ("tenure", "70"))
    assert _items.cells_of(files, hashes[1]) == (("", "yearly"),)


def test_what_each_input_contributes_is_drawn_and_what_helps_nothing_is_a_dash(tmp_path: Path) -> None:
    run = make(tmp_path / "run", "classify", TABLE)
    contributed = [
        {"input": "table", "column": "tenure", "metric": "accuracy", "value": 0.7, "drop": 0.123},
        {"input": "table", "column": "contract", "metric": "accuracy", "value": 0.9, "drop": -0.01},
    ]
    change(run / "results.json", contributions=contributed)
    found = _answers.contributions(_read.read_run(run))
    assert found is not None
    assert [(row["name"], row["type"], row["drop"], row["length"]) for row in found["rows"]] == [
        ("tenure", "number", "12.3 points", 100),
        ("contract", "category", "–", 0),
    ]
    html = page(run)
    assert "What each input contributes" in html
    names = {path.name for path in save_figures(run, tmp_path / "figures")}
    assert {"contributions.svg", "contributions.csv"} <= names


def test_inputs_that_change_nothing_are_said_to_in_a_sentence(tmp_path: Path) -> None:
    run = make(tmp_path / "run", "classify", TABLE)
    one = {"input": "image", "column": None, "metric": "accuracy", "value": 0.7, "drop": 0.0}
    change(run / "results.json", contributions=[one, {**one, "input": "text"}])
    assert "it uses none of them alone" in page(run)


def test_the_network_that_was_not_chosen_is_no_simple_method(tmp_path: Path) -> None:
    scores = [
        score("network", 0.90, 90, "valid"),
        score("from_scratch", 0.90, 90, "valid"),
        score("linear", 0.70, 90, "valid"),
        score("majority", 0.50, 90, "valid"),
    ]
    results = {"scores": scores, "classes": ["a", "b"]}
    assert text.winning_floor(results) is None
    assert text.floor_lines(results)[0].endswith("(chosen on)   from scratch 0.90   linear 0.70")
    (tmp_path / "run.json").write_text('{"status": "finished", "title": "photos"}', encoding="utf-8")
    (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    further = " ".join(_words.headline(_read.read_run(tmp_path)).further)
    assert "The best simple method, linear, reaches 70.0%" in further
    assert "from scratch, on these data alone, a network reached 90.0%" in further


def test_weights_learned_elsewhere_are_named_with_source_and_licence(tmp_path: Path) -> None:
    run = make(tmp_path / "run", "classify", TEXT)
    encoder = {"name": "minilm", "package": "a-package", "source": "by N.", "licence": "Apache-2.0", "weights": "pairs"}
    chosen = {"inputs": {"review": {**TEXT["review"], "pretrained": encoder}}}
    (run / "prepare.json").write_text(json.dumps(chosen), encoding="utf-8")
    (found,) = _sections.pretrained(_read.read_run(run))
    assert found == {"input": "review", "is_chosen": True, **encoder}
    html = page(run)
    assert "Licence: Apache-2.0." in html
    assert "a small network on features that were learned elsewhere" in html


def test_a_contender_on_features_from_elsewhere_is_told_by_its_recipe(tmp_path: Path) -> None:
    run = make(tmp_path / "run", "classify", TEXT)
    (run / "pretrained").mkdir()
    (run / "pretrained" / "recipe.toml").write_text('[pretrained.review]\nname = "minilm"\n', encoding="utf-8")
    (found,) = _sections.pretrained(_read.read_run(run))
    assert not found["is_chosen"]
    assert found["licence"] == "Apache-2.0"
    assert "saw <b>review</b> through them: minilm" in page(run)


@pytest.mark.parametrize(
    ("inputs", "noun"),
    [
        ({"a": "audio"}, "sound"),
        ({"a": "video"}, "video"),
        ({"table": "table"}, "row"),
        ({"a": "image", "b": "text"}, "item"),
    ],
)
def test_an_item_is_called_what_it_is(inputs: dict[str, str], noun: str, tmp_path: Path) -> None:
    run = make(tmp_path / "run", "classify", {name: {"modality": kind, "columns": {}} for name, kind in inputs.items()})
    assert _words.noun(_read.read_run(run)) == noun


def test_the_types_of_columns_are_listed(tmp_path: Path) -> None:
    run = make(tmp_path / "run", "classify", TABLE)
    assert _sections.data(_read.read_run(run))["columns"] == [("number", 1, "tenure"), ("category", 1, "contract")]
    assert "1 number column" in page(run)


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [("mae", 14230.6, "14,231"), ("rmse", 0.02171, "0.0217"), ("r2", -0.0001, "0.000"), ("r2", -0.52, "−0.520")],
)
def test_values_in_the_units_of_the_target_have_the_digits_they_need(metric: str, value: float, shown: str) -> None:
    assert text.show_value(value, metric) == shown


def test_the_last_line_of_a_fit_names_a_metric_that_is_no_share_and_keeps_to_80_columns() -> None:
    names = ("network", "from_scratch", "boosted_trees", "linear", "mean")
    scores = [score(name, 14_231.0 + place, 300, "valid", "mae", 1500.0) for place, name in enumerate(names)]
    lines = text.floor_lines({"scores": scores, "chosen_by": "mae"})
    assert lines == [
        "valid  MAE 14,231 [12,731–15,731] (chosen on)   from scratch 14,232",
        "       boosted trees 14,233   linear 14,234",
    ]
    lines = text.floor_lines({"scores": [scores[0], *scores[2:]], "chosen_by": "mae"})
    assert lines == ["valid  MAE 14,231 [12,731–15,731] (chosen on)   boosted trees 14,233"]
    (line,) = text.floor_lines({"scores": [score("network", 0.91, 9, "valid", "r2", 0.04)], "chosen_by": "r2"})
    assert line == "valid  R² 0.91 [0.87–0.95] (chosen on)"
