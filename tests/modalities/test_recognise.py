"""What a column is, told from its cells: with a reason, a doubt where there is one, and a person's word above all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import pytest

from penjing.core.errors import UsageError
from penjing.modalities import date, number
from penjing.modalities._recognise import IGNORE, Recognised, recognise, recognise_all

ROWS = 40
DRAWN = [(row * 7919) % 60000 for row in range(ROWS)]
BURMESE = [chr(0x1040 + digit) for digit in range(10)]
WORDS = ["".join(chr(97 + (row * 7 + place * (row % 5 + 1)) % 26) for place in range(6)) for row in range(ROWS)]


def column(*cells: Any, name: str = "column") -> pl.Series:
    """The cells, repeated in turn until there are `ROWS`."""
    return pl.Series(name, [cells[row % len(cells)] for row in range(ROWS)])


COLUMNS: list[tuple[str, pl.Series, str]] = [
    ("running numbers", column(*map(str, range(ROWS))), IGNORE),
    ("numbers by name", column(*map(str, DRAWN), name="customer_id"), IGNORE),
    ("codes", column(*(f"cust-{row:03d}" for row in range(ROWS))), IGNORE),
    ("a constant", column("a"), IGNORE),
    ("nothing", column("NA", "?", "-", None), IGNORE),
    ("a value or nothing", column("x", None), "category"),
    ("0 and 1", column("1", "0"), "boolean"),
    ("typed 0 and 1", column(1, 0), "boolean"),
    ("yes and no", column("yes", "no", None), "boolean"),
    ("typed truth", column(True, False), "boolean"),
    ("integers drawn at random", column(*map(str, DRAWN)), "number"),
    ("typed integers", column(*DRAWN), "number"),
    ("measurements, all distinct", column(*(str(1.5 + row * 0.37) for row in range(ROWS))), "number"),
    ("decimal commas", column("1.234,50", "12,5"), "number"),
    ("money", column("$1,200", "$3.50"), "number"),
    ("shares", column("12%", "3.5 %"), "number"),
    ("few whole numbers", column("1", "2", "3", "4"), "number"),
    ("one word among numbers", column("unknown", "1.5", "2.5", "3.5"), "number"),
    ("Arabic digits", column("٤٤", "٢٢", "٣٣"), "number"),
    ("a Burmese digit among words", column("aa", "bb", "cc", "၁"), "category"),
    ("running numbers in Burmese", column(*(BURMESE[row // 10] + BURMESE[row % 10] for row in range(ROWS))), IGNORE),
    ("lists of words", column(["a", "b"], ["a"]), IGNORE),
    ("towns' numbers", column("01234", "99999"), "category"),
    ("ISO dates", column("2024-01-02", "2024-01-03"), "date"),
    ("German dates", column("2.1.2024", "13.12.2024"), "date"),
    ("Chinese dates", column("2024年1月2日", "2024年11月2日"), "date"),
    ("American dates with short years", column("01/31/24", "02/01/24"), "date"),
    ("German dates with short years", column("31.01.24", "01.02.24"), "date"),
    ("Oracle's dates", column("01-JAN-24", "31-DEC-99"), "date"),
    ("Postgres' moments", column("2024-01-01 00:00:00+00", "2024-01-02 10:30:00+00"), "date"),
    ("versions", column("3.10.12", "3.11.4", "3.9.18"), "category"),
    ("moments", column("2024-01-02 10:30:00", "2024-01-02T11:00:00Z"), "date"),
    ("Unix time by name", column("1704153600", "1704163600", name="created_at"), "date"),
    ("Unix time without a name", column("1704153600", "1704163600"), "number"),
    ("typed moments", column(datetime(2024, 1, 2), datetime(2024, 1, 3)), "date"),
    ("names that repeat", column("red", "green", None), "category"),
    ("Chinese names that repeat", column("红", "蓝"), "category"),
    ("sentences", column(*(f"this is sentence number {row}" for row in range(ROWS))), "text"),
    ("Chinese sentences", column(*(f"这家酒店的服务非常好{'很' * row}" for row in range(ROWS))), "text"),
    ("a word each", column(*WORDS), "text"),
    ("pictures", column("a/1.png", "图/2.JPG"), "image"),
    ("bytes", column(b"a", b"b"), "image"),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "modality"), [pytest.param(cells, what, id=name) for name, cells, what in COLUMNS])
def test_a_column_is_recognised(cells: pl.Series, modality: str) -> None:
    found = recognise(cells)
    assert found.modality == modality
    assert 0 < found.confidence <= 1
    assert found.reason


def test_the_reason_shows_an_example() -> None:
    assert recognise(column("1.5", "2")).reason == "its cells are numbers like 1.5"
    assert recognise(column("red", "green")).reason == 'it has 2 values, such as "red"'
    assert recognise(column("a")).reason == 'all its cells are "a"'
    assert recognise(column("cust-1")).modality == IGNORE


def test_cells_that_are_no_numbers_are_said() -> None:
    assert recognise(column("unknown", "1.5", "2.5")).reason == (
        'its cells are numbers like 1.5; a few are not, such as "unknown", and count as missing'
    )


def test_how_many_words_among_numbers_count_as_missing_is_doubted() -> None:
    cells = pl.Series([*["1.5", "2.5", "4"] * 20, *["negative"] * 25, *["not detected"] * 15, None])
    found = recognise(cells)
    assert found.modality == "number"
    assert found.doubt == '40 of its 100 cells are none, such as "negative", and count as missing'
    assert recognise(column("1.5", "2.5", None)).doubt == ""


def test_how_numbers_and_dates_are_to_be_read_comes_along() -> None:
    assert recognise(column("12,5", "1,234")).settings == {"decimal": "comma"}
    assert recognise(column("12.5", "1,234")).settings == {"decimal": "point"}
    assert recognise(column("1/13/2024", "2/3/2024")).settings == {"first": "month"}
    assert recognise(column("13/1/2024", "2/3/2024")).settings == {"first": "day"}


def test_dates_with_day_and_month_unclear_are_doubted() -> None:
    found = recognise(column("1/2/2024", "3/4/2023"))
    assert found.doubt == "its dates are read with the day first; they may have the month first"
    assert not found.is_clear
    assert recognise(column("13/2/2024", "3/4/2023")).is_clear


def test_short_dates_that_may_begin_with_the_year_are_doubted() -> None:
    found = recognise(column("24/01/31", "23/12/01"))
    assert found.doubt == "its dates are read with the day first; they may have the year first"


def test_whole_numbers_with_gaps_may_be_codes() -> None:
    assert recognise(column("20", "60", "180")).doubt == "its 3 whole numbers may be codes of categories"
    assert recognise(column("0", "1", "2")).doubt == ""


def test_a_word_each_is_doubted() -> None:
    assert not recognise(column(*WORDS)).is_clear


def test_a_few_rows_are_no_identifiers() -> None:
    assert recognise(pl.Series(["3", "1", "2"])).modality == "number"
    assert recognise(pl.Series(["a1", "b2", "c3"])).modality == "category"


def test_what_a_person_says_goes_first() -> None:
    frame = pl.DataFrame({"zip": ["10115", "80331"] * 20, "price": ["1,5", "1,234"] * 20, "name": WORDS})
    found = recognise_all(frame, {"zip": "category", "price": "number", "name": IGNORE})
    assert found["zip"] == Recognised("category", 1.0, "as you said")
    assert found["price"] == Recognised("number", 1.0, "as you said", {"decimal": "comma"})
    assert found["name"].modality == IGNORE


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    frame = pl.DataFrame({"price": ["1", "2"]})
    with pytest.raises(UsageError, match=r'there is no column "prise"; did you mean "?price'):
        recognise_all(frame, {"prise": "number"})
    with pytest.raises(UsageError, match=r'column "price": there is no modality "nmber"; did you mean "?number'):
        recognise_all(frame, {"price": "nmber"})


def test_an_empty_table_has_columns_to_ignore() -> None:
    assert recognise_all(pl.DataFrame({"a": []}, schema={"a": pl.String}))["a"].modality == IGNORE


def test_plain_numbers_are_recognised_without_looking_for_patterns_in_each_cell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("each pattern costs a table of ten thousand columns seconds")

    monkeypatch.setattr(number, "_written", refuse)
    monkeypatch.setattr(date, "_fields", refuse)
    assert recognise(column(*(str(1.5 + row * 0.37) for row in range(ROWS)))).modality == "number"
    assert recognise(column("7", "11", "13", "29")).modality == "number"
    assert recognise(column("03.5", "07.5")).modality != "number"


def test_towns_numbers_stay_words_though_one_is_not_known() -> None:
    cells = pl.Series([*["01067", "04109", "10115", "80331", "20095"] * 8, "unknown"])
    assert recognise(cells).modality == "category"
