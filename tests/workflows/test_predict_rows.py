"""A run on texts, numbers, categories or a mix answers for rows of any table as it did in validation."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from made_table_run import Made, make_run
from PIL import Image

from json_schema import faults
from penjing.cli import run_command
from penjing.core.errors import DataError, UsageError, did_you_mean
from penjing.core.events import Event, Said, Warned
from penjing.core.table import Column
from penjing.sources import Options
from penjing.sources._places import folder_place
from penjing.workflows import _rows, predict
from penjing.workflows._items import Item, Reader, decoded
from penjing.workflows._load import Input, load
from penjing.workflows._rows import Source, Wanted, rows_of

ROWS = 160
WORDS = ("good", "bad", "太好了", "糟糕")


def rows() -> pl.DataFrame:
    """What runs here learn from: a number, a category, a date, a text, and three kinds of targets."""
    draw = np.random.default_rng(3)
    age = draw.normal(40, 10, ROWS).round(1)
    is_up = age > 40
    return pl.DataFrame(
        {
            "age": [None if row % 11 == 4 else value for row, value in enumerate(age.tolist())],
            "job": [None if row % 22 == 6 else ["cook", "nurse", "pilot"][row % 3] for row in range(ROWS)],
            "since": [f"2024-{1 + row % 9:02d}-{1 + row % 27:02d}" for row in range(ROWS)],
            "review": [f"{WORDS[row % 4]} film number {row} of the year" for row in range(ROWS)],
            "label": np.where(is_up, "up", "down"),
            "price": (1000 * age + draw.normal(0, 300, ROWS)).round(2),
            "tags": ["|".join(["up"] * bool(up) + ["odd" if row % 2 else "even"]) for row, up in enumerate(is_up)],
        }
    )


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Made:
    data = rows().select("age", "job", "since", "label")
    return make_run(tmp_path_factory.mktemp("classes") / "run", data, Options(target="label"), table="tabular")


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Made:
    data = rows().select("age", "job", "price")
    return make_run(tmp_path_factory.mktemp("numbers") / "run", data, Options(target="price"), table="tabular")


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Made:
    data = rows().select("age", "job", "tags")
    options = Options(target="tags", types={"tags": "labels"})
    return make_run(tmp_path_factory.mktemp("labels") / "run", data, options, table="tabular")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Made:
    data = rows().select("review", "label")
    return make_run(tmp_path_factory.mktemp("texts") / "run", data, Options(target="label"), review="bag")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with photos beside it; some cells are empty in each column."""
    place = tmp_path_factory.mktemp("混合")
    (place / "photos").mkdir()
    draw = np.random.default_rng(5)
    for row in range(ROWS):
        Image.fromarray(draw.integers(0, 255, (10, 10, 3), dtype=np.uint8)).save(place / "photos" / f"{row}.png")
    photo = [None if row % 9 == 2 else f"photos/{row}.png" for row in range(ROWS)]
    mixed = rows().select("age", "review", "label").with_columns(photo=pl.Series(photo))
    mixed = mixed.with_columns(review=pl.when(pl.int_range(ROWS) % 8 == 1).then(None).otherwise("review"))
    mixed.write_csv(place / "table.csv")
    return place


@pytest.fixture(scope="module")
def mixed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    options = Options(target="label")
    networks = {"table": "tabular", "photo": "cnn", "review": "bag"}
    return make_run(tmp_path_factory.mktemp("mixed") / "run", folder / "table.csv", options, **networks)


# ---- the answers


def test_rows_are_answered_in_their_order_as_they_were_validated(classes: Made) -> None:
    found = predict.predict(classes.run, rows())
    np.testing.assert_allclose(found.probability, classes.answer, atol=1e-6)
    assert found.frame["path"].to_list() == [f"row {row}" for row in range(1, ROWS + 1)]
    assert found.counts == {name: found.frame["prediction"].to_list().count(name) for name in ("down", "up")}


def test_a_mix_is_answered_as_it_was_validated(mixed: Made, folder: Path) -> None:
    """Missing photos and texts included, through decoding, cleaning and the codes of each column."""
    found = predict.predict(mixed.run, folder / "table.csv")
    np.testing.assert_allclose(found.probability, mixed.answer, atol=1e-5)
    assert found.frame["path"][0] == f"{folder / 'photos' / '0.png'} (row 1)"
    assert found.frame["path"][2] == "row 3"


def test_texts_are_answered_as_they_were_validated(texts: Made) -> None:
    np.testing.assert_allclose(predict.predict(texts.run, rows()).probability, texts.answer, atol=1e-6)
    found = predict.predict(texts.run, rows()["review"].to_list())
    np.testing.assert_allclose(found.probability, texts.answer, atol=1e-6)


def test_many_rows_are_answered_in_chunks(classes: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "MOST_ROWS", 7)
    np.testing.assert_allclose(predict.predict(classes.run, rows()).probability, classes.answer, atol=1e-5)


def test_numbers_come_with_an_interval(numbers: Made) -> None:
    found = predict.predict(numbers.run, rows())
    assert found.frame.columns == ["path", "prediction", "low", "high", "unlike"]
    np.testing.assert_allclose(found.frame["prediction"], numbers.answer[:, 0], rtol=1e-6)
    calibrated = {name: numbers.run.results[name] for name in ("below", "above")}
    one = found[0]
    assert one.low == pytest.approx(one.value + calibrated["below"], rel=1e-5)
    assert one.high == pytest.approx(one.value + calibrated["above"], rel=1e-5)
    said = numbers.answer.astype(np.float64)
    assert found.summary()[0] == f"mean {said.mean():.6g}, from {said.min():.6g} to {said.max():.6g}"
    assert str(one) == f"row 1: {one.value:.6g} ({one.low:.6g} to {one.high:.6g})"


def test_without_residuals_a_number_stands_alone(numbers: Made, tmp_path: Path) -> None:
    results = {**numbers.run.results, "calibrated": []}
    kept = (numbers.run.path / "results.json").read_text(encoding="utf-8")
    try:
        (numbers.run.path / "results.json").write_text(json.dumps(results), encoding="utf-8")
        found = predict.predict(numbers.run, rows())
    finally:
        (numbers.run.path / "results.json").write_text(kept, encoding="utf-8")
    assert found.frame.columns == ["path", "prediction", "unlike"]
    assert (found[0].low, found.coverage, len(found.summary())) == (None, None, 1)
    assert pl.read_csv(found.write(tmp_path / "n.csv")).shape == (ROWS, 3)


def test_several_labels_stand_in_one_cell(labels: Made) -> None:
    found = predict.predict(labels.run, rows())
    np.testing.assert_allclose(found.probability, labels.answer, atol=1e-6)
    assert found.frame.columns == ["path", "prediction", "unlike", "p_even", "p_odd", "p_up"]
    taken = [
        "|".join(name for name, p in zip(("even", "odd", "up"), row, strict=True) if p >= 0.5) for row in labels.answer
    ]
    assert found.frame["prediction"].to_list() == taken
    assert found.counts == {name: sum(name in cell.split("|") for cell in taken) for name in ("even", "odd", "up")}
    none = [row for row, cell in enumerate(taken) if not cell]
    assert all(found[row].labels == () and ": none" in str(found[row]) for row in none)


@pytest.mark.parametrize("task", ["classes", "numbers", "labels"])
def test_every_document_follows_the_schema(task: str, request: pytest.FixtureRequest) -> None:
    made: Made = request.getfixturevalue(task)
    schema = json.loads(Path("docs/schemas/predict.json").read_text(encoding="utf-8"))
    document = json.loads(json.dumps(predict.predict(made.run, rows()).to_dict(), allow_nan=False))
    assert len(document["predictions"]) == ROWS
    assert not faults(document, schema)
    assert faults({**document, "predictions": [{}]}, schema)


@pytest.mark.parametrize("task", ["classes", "numbers", "labels"])
def test_a_notebook_shows_the_first_rows_of_every_task(task: str, request: pytest.FixtureRequest) -> None:
    made: Made = request.getfixturevalue(task)
    page = predict.predict(made.run, rows())._repr_html_()
    assert page.startswith(f"<b>{ROWS} items: ")
    assert page.count("<tr>") == 11
    assert f"… and {ROWS - 10} more" in page


def test_cells_are_read_as_the_whole_column_was_in_training(tmp_path: Path) -> None:
    """Whether 1.234 is a thousand, and 2/1/2024 in January, was told from all cells; a new one alone cannot tell."""
    data = pl.DataFrame(
        {
            "weight": [f"1.{row + 100},5" for row in range(ROWS)],
            "day": [f"{1 + row % 12}/{1 + row % 28}/2024" for row in range(ROWS)],
            "label": ["a" if row < ROWS // 2 else "b" for row in range(ROWS)],
        }
    )
    made = make_run(tmp_path / "run", data, Options(target="label"), table="tabular")
    short = predict.predict(made.run, {"weight": "1.234", "day": "2/1/2024"})
    whole = predict.predict(made.run, {"weight": "1.234,0", "day": "2024-02-01"})
    np.testing.assert_allclose(short.probability, whole.probability, atol=1e-6)
    assert {column.name: dict(column.settings) for column in load(made.run).inputs[0].columns} == {
        "weight": {"decimal": "comma"},
        "day": {"first": "month"},
    }


# ---- what may be handed over


def pandas(frame: pl.DataFrame, place: Path) -> Any:
    return pytest.importorskip("pandas").DataFrame(frame.to_dict(as_series=False))


def csv(frame: pl.DataFrame, place: Path) -> Path:
    frame.write_csv(place / "new.csv", separator=";")
    return place / "new.csv"


def packed(frame: pl.DataFrame, place: Path) -> Path:
    (place / "new.csv.gz").write_bytes(gzip.compress(frame.write_csv().encode()))
    return place / "new.csv.gz"


def parquet(frame: pl.DataFrame, place: Path) -> Path:
    frame.write_parquet(place / "new.parquet")
    return place / "new.parquet"


def excel(frame: pl.DataFrame, place: Path) -> Path:
    pytest.importorskip("fastexcel")
    pytest.importorskip("xlsxwriter")
    frame.write_excel(place / "new.xlsx")
    return place / "new.xlsx"


def zipped(frame: pl.DataFrame, place: Path) -> Path:
    with zipfile.ZipFile(place / "new.zip", "w") as archive:
        archive.writestr("rows/new.csv", frame.write_csv())
    return place / "new.zip"


def within(frame: pl.DataFrame, place: Path) -> Path:
    return csv(frame, place).parent


WAYS: dict[str, Callable[[pl.DataFrame, Path], Any]] = {
    "polars": lambda frame, place: frame,
    "pandas": pandas,
    "dict of lists": lambda frame, place: frame.to_dict(as_series=False),
    "dict of arrays": lambda frame, place: {name: frame[name].to_numpy() for name in frame.columns},
    "list of dicts": lambda frame, place: frame.to_dicts(),
    "csv": csv,
    "packed csv": packed,
    "parquet": parquet,
    "excel": excel,
    "zip": zipped,
    "folder": within,
    "list of tables": lambda frame, place: [csv(frame, place)],
}


@pytest.mark.parametrize("way", WAYS)
def test_rows_come_in_many_ways(way: str, classes: Made, tmp_path: Path) -> None:
    given = WAYS[way](rows().select("label", "job", "age", "since"), tmp_path)
    np.testing.assert_allclose(predict.predict(classes.run, given).probability, classes.answer, atol=1e-6)


def test_one_row_is_a_dict_of_values(classes: Made) -> None:
    row = rows().row(0, named=True)
    (one,) = predict.predict(classes.run, row)
    assert one.probability == pytest.approx(classes.answer[0].max(), abs=1e-6)


def test_rows_of_several_tables_are_told_apart(classes: Made, tmp_path: Path) -> None:
    first, second = csv(rows().head(2), tmp_path), parquet(rows().tail(1), tmp_path)
    found = predict.predict(classes.run, [first, second])
    assert found.frame["path"].to_list() == ["new.csv, row 1", "new.csv, row 2", "new.parquet, row 1"]


def test_photos_in_a_frame_may_be_bytes_or_arrays(mixed: Made, folder: Path) -> None:
    some = pl.read_csv(folder / "table.csv").head(2)
    files = [folder / path for path in some["photo"]]
    expected = predict.predict(mixed.run, some.with_columns(photo=pl.Series([str(file) for file in files])))
    for photos in ([file.read_bytes() for file in files], [np.asarray(Image.open(file)) for file in files]):
        found = predict.predict(mixed.run, {**some.to_dict(as_series=False), "photo": photos})
        np.testing.assert_allclose(found.probability, expected.probability, atol=1e-6)


def test_a_zip_holds_a_table_and_its_photos(mixed: Made, folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, f"all/{file.relative_to(folder)}")
    found = predict.predict(mixed.run, tmp_path / "all.zip")
    np.testing.assert_allclose(found.probability, mixed.answer, atol=1e-5)
    np.testing.assert_allclose(predict.predict(mixed.run, folder).probability, mixed.answer, atol=1e-5)


# ---- texts


def test_texts_are_called_by_their_beginning(texts: Made) -> None:
    found = predict.predict(texts.run, ["good film", "bad " * 40, "太好了"])
    assert found.frame["path"].to_list() == ["good film", ("bad " * 15)[:59] + "…", "太好了"]
    (one,) = predict.predict(texts.run, "a good film of the year")
    assert one.path == "a good film of the year"


def test_texts_come_in_files_folders_and_archives(texts: Made, tmp_path: Path) -> None:
    given = rows()["review"].to_list()[:3]
    for number, text in enumerate(given):
        (tmp_path / f"{number}.txt").write_text(text, encoding="gb18030" if number == 2 else "utf-8")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for number in range(3):
            archive.write(tmp_path / f"{number}.txt", f"{number}.txt")
    ways = [tmp_path, str(tmp_path / "*.txt"), tmp_path / "all.zip", sorted(tmp_path.glob("*.txt"))]
    for way in ways:
        found = predict.predict(texts.run, way)
        np.testing.assert_allclose(found.probability, texts.answer[:3], atol=1e-6)
        assert [Path(path).name[-5:] for path in found.frame["path"]] == ["0.txt", "1.txt", "2.txt"]
    assert len(predict.predict(texts.run, tmp_path / "0.txt")) == 1


def test_a_text_column_of_another_name_is_found(texts: Made) -> None:
    found = predict.predict(texts.run, rows().select("age", "label", comment="review"))
    np.testing.assert_allclose(found.probability, texts.answer, atol=1e-6)


@pytest.mark.parametrize("given", [np.array(["good film", "bad"]), pl.Series(["good film", None])])
def test_texts_in_arrays_and_series_are_texts(given: Any, texts: Made) -> None:
    found = predict.predict(texts.run, given)
    assert len(found) + len(found.unreadable) == 2
    assert found[0].path == "good film"


def test_an_empty_text_is_listed(texts: Made, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("good film", encoding="utf-8")
    (tmp_path / "b.txt").touch()
    found = predict.predict(texts.run, tmp_path)
    assert [(Path(one.path).name, one.reason) for one in found.unreadable] == [("b.txt", "the cell is empty")]


def test_a_slip_in_the_path_of_a_table_is_no_text(texts: Made) -> None:
    with pytest.raises(DataError, match=r"there is no nowhere/reviews\.csv"):
        predict.predict(texts.run, "nowhere/reviews.csv")


# ---- what is missing


def said(run: Made, given: object) -> list[str]:
    heard: list[Event] = []
    predict.predict(run.run, given, watch=heard.append)
    return [event.message for event in heard if isinstance(event, Said)]


def test_a_missing_column_is_said_once_and_counts_as_missing_cells(classes: Made) -> None:
    without = rows().drop("job")
    assert said(classes, without) == ['the table has no column "job": treated as missing']
    empty = rows().with_columns(job=pl.lit(None, dtype=pl.String))
    assert said(classes, empty) == []
    expected = predict.predict(classes.run, empty).probability
    np.testing.assert_allclose(predict.predict(classes.run, without).probability, expected, atol=1e-6)


def test_a_column_that_is_nearly_there_is_offered(classes: Made) -> None:
    (sentence,) = said(classes, rows().rename({"job": "Jobb"}))
    assert sentence == 'the table has no column "job": treated as missing; for "job" did you mean "Jobb"?'


def test_of_many_missing_columns_a_few_are_held_against_every_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = tuple(Column(f"gene {number}", "input", "number") for number in range(300))
    wanted = Wanted((Input("table", "table", columns, None, {}, (300,), (300,), "float32"),))
    frame = pl.DataFrame({"gene 299": ["1"], **{f"probe {number}": ["1"] for number in range(300)}, "gene0": ["1"]})
    asked: list[str] = []

    def meant(name: str, known: Sequence[str]) -> str:
        asked.append(name)
        return did_you_mean(name, known)

    monkeypatch.setattr(_rows, "did_you_mean", meant)
    heard: list[Event] = []
    source = rows_of(frame, wanted, folder_place(tmp_path), "the table", watch=heard.append)
    assert source.cells.columns == ["gene 299"]
    assert len(asked) <= 10
    (event,) = heard
    assert isinstance(event, Said)
    assert event.message.startswith('the table has no column "gene 0", "gene 1", ')
    assert event.message.endswith('"gene 9" …: treated as missing; for "gene 0" did you mean "gene0"?')
    assert wanted.columns is wanted.columns, "thousands of columns are put together once"


def test_an_input_without_any_of_its_columns_is_absent(mixed: Made) -> None:
    """Its features are replaced, so whatever stands in its values does not matter."""
    alone = predict.predict(mixed.run, {"review": ["good film"]})
    assert len(alone) == 1
    found = predict.predict(mixed.run, {"review": ["good film"], "photo": [None]})
    np.testing.assert_allclose(found.probability, alone.probability, atol=1e-6)


def test_a_row_without_any_value_is_listed(classes: Made) -> None:
    found = predict.predict(classes.run, [{"age": 30, "job": "cook"}, {"age": None, "job": ""}])
    assert found.unreadable == (predict.Unreadable("row 2", "all of its cells are empty"),)


def test_every_row_of_a_file_has_its_row_in_what_is_written(classes: Made, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("age,job\n,\n30,cook\n,\n31,nurse\n", encoding="utf-8")
    found = predict.predict(classes.run, tmp_path / "t.csv")
    written = pl.read_csv(found.write(tmp_path / "out.csv"))
    assert written["path"].to_list() == ["row 1", "row 2", "row 3", "row 4"]
    assert written["prediction"].is_null().to_list() == [True, False, True, False]
    assert written["unreadable"].is_null().to_list() == [False, True, False, True]


def test_values_that_training_did_not_know_are_said(classes: Made) -> None:
    jobs = ["astronaut", "cook", "baker", "astronaut", None]
    heard: list[Event] = []
    found = predict.predict(classes.run, {"age": [30] * 5, "job": jobs}, watch=heard.append)
    assert found.unknown_cells == found.to_dict()["unknown_cells"] == {"job": 3}
    (sentence,) = [event.message for event in heard if isinstance(event, Warned)]
    assert sentence.startswith('"job": 3 of 5 cells hold what training did not know, such as "astronaut"')
    assert predict.predict(classes.run, rows()).unknown_cells == {}


def test_a_damaged_file_of_a_mix_is_listed_with_its_column(mixed: Made, folder: Path) -> None:
    (folder / "bad.png").write_bytes(b"x")
    given = {"review": ["a", "b"], "photo": [str(folder / "photos" / "0.png"), str(folder / "bad.png")]}
    (bad,) = predict.predict(mixed.run, given).unreadable
    assert bad.reason.startswith('"photo": ')


def test_words_where_numbers_were_are_missing_values(classes: Made) -> None:
    odd = predict.predict(classes.run, rows().with_columns(age=pl.lit("unknown")))
    empty = predict.predict(classes.run, rows().with_columns(age=pl.lit(None, dtype=pl.String)))
    np.testing.assert_allclose(odd.probability, empty.probability, atol=1e-6)


@pytest.mark.parametrize(
    ("given", "problem", "message"),
    [
        ({"aeg": [1]}, UsageError, 'none of the columns .*"age" .number., "job".*For "age": did you mean "aeg"'),
        ({"age": [1], "job": ["a", "b"]}, DataError, "columns have different lengths"),
        ({}, DataError, "the table has no rows"),
        (pl.DataFrame({"age": []}), DataError, "has no rows"),
        (pl.DataFrame({"age": [[1, 2]]}), DataError, 'the column "age" of the table holds lists, bytes or arrays'),
        (np.zeros((3, 3)), UsageError, r"none of the columns .*known: x0, x1, x2"),
        (np.zeros((3, 3, 3)), DataError, r"looks at rows of a table .*not ndarray"),
        (3, DataError, "give a table or a data frame, not int"),
        (__file__, DataError, r"give a \.csv"),
        ("nowhere.csv", DataError, r"there is no nowhere\.csv"),
    ],
)
def test_what_cannot_be_matched_is_a_sentence(
    given: object, problem: type[Exception], message: str, classes: Made
) -> None:
    with pytest.raises(problem, match=message):
        predict.predict(classes.run, given)


def test_a_folder_without_a_table_is_a_sentence(classes: Made, tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    with pytest.raises(DataError, match="holds no table; give the table itself"):
        predict.predict(classes.run, tmp_path)
    (tmp_path / "a.csv").touch()
    (tmp_path / "b.csv").touch()
    with pytest.raises(DataError, match=r"holds several tables \(a.csv, b.csv\)"):
        predict.predict(classes.run, tmp_path)


@pytest.mark.parametrize("task", ["classes", "numbers", "texts", "mixed"])
def test_only_the_answer_for_one_picture_is_explained(
    task: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made: Made = request.getfixturevalue(task)
    with pytest.raises(UsageError, match=r"show where on a picture the network looked.*leave --explain away"):
        predict.predict(made.run, rows(), explain=tmp_path / "why")
    assert not (tmp_path / "why").exists()


def test_texts_in_a_list_are_texts_whatever_they_hold(texts: Made, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "a.txt").write_text("good film", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found = predict.predict(texts.run, ["good film", "*****", "", "bad"])
    assert found.frame["path"].to_list() == ["good film", "*****", "bad"]
    assert [one.reason for one in found.unreadable] == ["the cell is empty"]


def test_a_text_among_others_is_a_text_where_a_folder_has_its_name(
    texts: Made, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    (tmp_path / "docs").mkdir()
    for number in range(2):
        (tmp_path / "docs" / f"{number}.txt").write_text("good film", encoding="utf-8")
    (tmp_path / "a b.txt").write_text("bad film", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    given = ["good film", "docs", ".", "..", "~", "/", "docs/?", "bad film"]
    assert predict.predict(texts.run, given).frame["path"].to_list() == given
    for folder in (Path("docs"), "docs/*", "docs/*.txt"):
        found = predict.predict(texts.run, ["good film", folder, "a b.txt"]).frame["path"].to_list()
        assert [Path(one).name for one in found] == ["good film", "0.txt", "1.txt", "a b.txt"], folder
    assert len(predict.predict(texts.run, "docs")) == len(predict.predict(texts.run, ["docs"])) == 2
    assert run_command(["predict", str(texts.run.path), "good film", "docs", "--json"]) == 0
    typed = json.loads(capsys.readouterr().out)["predictions"]
    assert [Path(one["path"]).name for one in typed] == ["good film", "0.txt", "1.txt"]


@pytest.mark.parametrize("odd", ["good\0*", "good\0/bad*"])
def test_a_text_with_a_nul_is_no_pattern(odd: str, texts: Made) -> None:
    assert len(predict.predict(texts.run, ["good film", odd])) == 2
    assert len(predict.predict(texts.run, odd)) == 1


def test_an_array_of_numbers_is_answered_as_it_was_fitted(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(ROWS, 3))
    made = make_run(tmp_path / "run", (x, np.where(x[:, 0] > 0, "up", "down")), Options(), table="tabular")
    np.testing.assert_allclose(predict.predict(made.run, x).probability, made.answer, atol=1e-6)


def test_lists_of_numbers_in_parquet_are_answered_as_those_of_a_frame(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(ROWS, 3))
    frame = pl.DataFrame({"emb": x.tolist(), "label": np.where(x[:, 0] > 0, "up", "down")})
    frame.write_parquet(tmp_path / "new.parquet")
    made = make_run(tmp_path / "run", frame, Options(), table="tabular")
    for given in (frame, tmp_path / "new.parquet"):
        np.testing.assert_allclose(predict.predict(made.run, given).probability, made.answer, atol=1e-6)


def test_tiny_numbers_are_written_as_they_are(numbers: Made, tmp_path: Path) -> None:
    found = predict.predict(numbers.run, rows().head(3))
    tiny = replace(found, frame=found.frame.with_columns(prediction=pl.lit(1.25e-8)))
    tiny.write(tmp_path / "answers.csv")
    assert pl.read_csv(tmp_path / "answers.csv")["prediction"].to_list() == [1.25e-8] * 3


# ---- values in memory


VECTORS = np.random.default_rng(7).normal(size=(ROWS, 3)).round(4)
UP = np.where(VECTORS[:, 0] > 0, "up", "down")


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Made:
    data = {"emb": VECTORS, "size": list(range(ROWS)), "label": UP}
    return make_run(tmp_path_factory.mktemp("vectors") / "run", data, Options(target="label"), table="tabular")


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"emb": VECTORS, "size": list(range(ROWS)), "label": UP},
        lambda: {"emb": list(VECTORS), "size": np.arange(ROWS)},
        lambda: {"emb": VECTORS.tolist(), "size": pd.Series(range(ROWS))},
        lambda: [{"emb": row, "size": number} for number, row in enumerate(VECTORS)],
        lambda: pd.DataFrame({"emb": list(VECTORS), "size": range(ROWS)}),
        lambda: pl.DataFrame({"emb": VECTORS.tolist(), "size": range(ROWS)}),
    ],
    ids=["arrays", "list of arrays", "lists", "rows", "pandas", "polars"],
)
def test_rows_of_numbers_are_answered_as_they_were_validated(make: Callable[[], Any], vectors: Made) -> None:
    found = predict.predict(vectors.run, make())
    names = [f"p_{name}" for name in found.names]
    assert np.allclose(found.frame.select(names).to_numpy(), vectors.answer, atol=1e-5)


def test_rows_of_whole_numbers_are_known_by_the_columns_of_the_run(vectors: Made) -> None:
    whole = VECTORS.round().astype(int)
    answers = [
        predict.predict(vectors.run, {"emb": cells, "size": [1] * ROWS}).frame for cells in (whole, whole.tolist())
    ]
    assert answers[0].equals(answers[1])


def test_what_is_no_value_is_refused_when_predicting_too(vectors: Made) -> None:
    with pytest.raises(DataError, match='the column "emb" holds a value of type object'):
        predict.predict(vectors.run, {"emb": [object(), object()], "size": [0, 1]})


def test_a_column_that_the_run_never_saw_may_hold_anything(vectors: Made) -> None:
    plain = predict.predict(vectors.run, {"emb": VECTORS[:2], "size": [0, 1]})
    found = predict.predict(vectors.run, {"emb": VECTORS[:2], "size": [0, 1], "meta": [{"a": 1}, object()]})
    assert found.frame.equals(plain.frame)


def test_rows_are_made_only_a_few_ahead(classes: Made) -> None:
    source = Source(rows().select("age", "job", "since"), names=[f"row {row}" for row in range(ROWS)])
    made: list[int] = []

    class Watched(Reader):
        def read(self, source: Source, row: int) -> list[Item]:
            made.append(row)
            return super().read(source, row)

    first = next(decoded(source, Watched(load(classes.run).inputs), 1))
    assert (first.name, made) == ("row 0", [0])


def test_times_of_numpy_are_dates_when_predicting_too(classes: Made) -> None:
    data = rows()
    when = data["since"].str.to_date().to_numpy().astype("datetime64[ns]")
    columns = {"age": data["age"].to_list(), "job": data["job"].to_list()}
    found = predict.predict(classes.run, {**columns, "since": when})
    assert found.frame.equals(predict.predict(classes.run, {**columns, "since": data["since"].to_list()}).frame)
    assert np.allclose(found.frame.select([f"p_{name}" for name in found.names]), classes.answer, atol=1e-5)
