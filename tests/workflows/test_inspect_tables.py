"""What `inspect` sees in tables, texts, numbers to predict and labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penjing.core.finding import Finding
from penjing.sources import Options
from penjing.workflows._prepare import DataWish
from penjing.workflows.inspect import Inspection, inspect

ROWS = 300


def frame() -> pl.DataFrame:
    """Customers: what is ordinary, and one column of each trouble."""
    draw = np.random.default_rng(0)
    left = draw.integers(0, 2, ROWS)
    return pl.DataFrame(
        {
            "age": draw.integers(18, 90, ROWS),
            "city": draw.choice(["Ulm", "Köln", "北京"], ROWS),
            "pool": [None if row % 10 else 1.5 * row for row in range(ROWS)],
            "code": np.where(left, "A7", "B2"),
            "left": np.where(left, "yes", "no"),
        }
    )


def look(data: object, **options: str) -> Inspection:
    return inspect(data, DataWish(Options(**options)))


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    path = tmp_path_factory.mktemp("table") / "客户.csv"
    frame().write_csv(path)
    return look(str(path), target="left")


def findings(inspection: Inspection) -> dict[str, Finding]:
    return {finding.name: finding for finding in inspection.findings}


def test_parts_dealt_by_time_are_not_called_the_data_s_own() -> None:
    said = look(frame().drop("code"), target="left", time_column="age").said
    assert any(sentence.startswith("Split by time: train ") for sentence in said)
    assert not any("own split" in sentence for sentence in said)


def test_a_column_that_suggests_groups_is_found_until_it_is_named() -> None:
    data = frame().drop("code").with_columns(who=pl.Series([f"p{row % 9}" for row in range(ROWS)]))
    found = findings(look(data, target="left"))
    assert found["guessed_groups"].remedies == ("--group who",)
    assert "layout_doubts" not in found
    assert "guessed_groups" not in findings(look(data, target="left", group="who"))


def test_every_column_has_a_line_with_its_type_gaps_values_and_range(seen: Inspection) -> None:
    assert seen.columns is not None
    columns = {row["name"]: row for row in seen.columns.iter_rows(named=True)}
    assert columns["city"]["distinct"] == 3
    assert columns["pool"]["missing"] == pytest.approx(0.9, abs=0.05)
    rows = seen.prepared.rows("train", "valid", "confirm")
    ages = seen.prepared.table.frame["age"].cast(pl.Int64).gather(rows)
    assert (columns["age"]["least"], columns["age"]["most"]) == (str(ages.min()), str(ages.max()))
    assert any(
        line.startswith("number") and line.endswith(f"age  {ages.min()} … {ages.max()}") for line in seen.lines()
    )
    assert all(len(line) <= 80 for line in seen.lines()[:10])
    assert "<td>city</td>" in seen._repr_html_()


def test_a_column_that_is_the_target_under_another_name_is_an_error(seen: Inspection) -> None:
    assert findings(seen)["leaking_columns"].evidence["columns"] == ["code"]
    assert findings(seen)["missing_values"].evidence["missing"].keys() == {"pool"}
    assert seen.worst == "error"


def test_checks_of_pictures_are_quiet_where_there_are_none(seen: Inspection) -> None:
    assert seen.not_examined == ()
    assert seen.sizes == {}
    told = json.dumps(seen.to_dict(), ensure_ascii=False)
    assert [row["name"] for row in json.loads(told)["columns"]] == seen.columns["name"].to_list()  # type: ignore[index]
    assert "picture" not in " ".join(finding.message for finding in seen.findings)


def test_a_number_to_predict_is_counted_by_part_and_found_on_another_scale() -> None:
    draw = np.random.default_rng(1)
    size = draw.normal(0, 1, ROWS)
    data = pl.DataFrame({"size": size, "noise": draw.normal(0, 1, ROWS), "euro": size * 3 + 7, "price": size * 2 + 1})
    found = look(data, target="price")
    (row,) = found.counts.iter_rows(named=True)
    assert row["total"] == ROWS
    assert set(findings(found)["leaking_columns"].evidence["columns"]) == {"size", "euro"}
    assert found.not_examined == (), "a number has no classes that could be unbalanced"


def test_nothing_of_the_test_part_shows_in_the_columns(tmp_path: Path) -> None:
    data = frame().with_columns(split=pl.Series(["test"] + ["train"] * (ROWS - 1)))
    data = data.with_columns(age=pl.when(pl.int_range(ROWS) == 0).then(99_999).otherwise("age"))
    data.write_csv(tmp_path / "data.csv")
    found = look(str(tmp_path / "data.csv"), target="left")
    assert found.counts["test"].sum() == 1
    assert "99999" not in json.dumps(found.to_dict()).replace(",", "")


def test_printed_from_python_it_reads_as_on_the_command_line(seen: Inspection) -> None:
    text = str(seen)
    assert text.startswith(f"{ROWS} rows in 2 classes")
    assert text.splitlines()[-len(seen.lines()) :] == seen.lines()
    assert "warning: " in text or "error: " in text


def test_what_fit_would_notice_of_the_target_is_told_without_test_items(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    part = ["train"] * 200 + ["test"] * 100
    rare = ["rare" if row % 10 == 0 else "usual" for row in range(200)]

    def said(tested: list[str]) -> tuple[str, ...]:
        told: list[object] = []
        data = pl.DataFrame({"size": draw.normal(size=300), "kind": rare + tested, "part": part})
        found = inspect(data, DataWish(Options(target="kind")), told.append)
        notices = tuple(one for one in found.said if "times as many training items" in one)
        assert all(any(getattr(event, "message", "") == one for event in told) for one in notices)
        return notices

    assert len(said(["rare", "usual"] * 50)) == 1
    assert said(["rare", "usual"] * 50) == said(["usual"] * 99 + ["rare"])


def test_a_table_of_few_values_is_dealt_row_by_row() -> None:
    draw = np.random.default_rng(0)
    colour, size = draw.choice(["red", "blue"], ROWS), draw.choice(["S", "M"], ROWS)
    data = pl.DataFrame(
        {"colour": colour, "size": size, "label": np.where((colour == "red") == (size == "S"), "a", "b")}
    )
    looked = look(data, target="label")
    assert any("equal rows are items of their own" in sentence for sentence in looked.said)
    prepared = looked.prepared
    assert len(set(prepared.hashes)) == ROWS
    for part in ("train", "valid", "test"):
        assert data[prepared.rows(part).tolist()].select("colour", "size").n_unique() == 4
    again = look(data, target="label").prepared
    assert again.hashes == prepared.hashes
    assert "duplicates" not in findings(looked)


def test_copies_in_a_table_of_many_values_stay_together() -> None:
    data = frame().drop("code", "pool").with_columns(weight=np.random.default_rng(1).normal(size=ROWS))
    prepared = look(pl.concat([data, data[:60]]), target="left").prepared
    part = prepared.split.frame["part"].to_list()
    assert len(set(prepared.hashes)) == ROWS
    assert [part[row] for row in range(60)] == part[ROWS:]
