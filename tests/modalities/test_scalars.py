"""Numbers, categories, dates and booleans: read as they are written, learned on some cells, coded for others."""

from __future__ import annotations

import json
from datetime import date as Day
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.core import plugins
from penjing.core.errors import UsageError
from penjing.modalities import boolean, category, date, number, table

SCALARS = ("boolean", "category", "date", "number")


def texts(*cells: str | None) -> pl.Series:
    return pl.Series("cells", cells, dtype=pl.String)


def numbers(*cells: float | None) -> pl.Series:
    return pl.Series("cells", cells, dtype=pl.Float64)


def days(*cells: str | None, first: str = "day") -> list[float | None]:
    return date.clean(texts(*cells), date.Settings(first=first)).to_list()


def day_number(*when: int) -> float:
    return (datetime(*when) - datetime(1970, 1, 1)) / timedelta(days=1)  # type: ignore[arg-type]


WRITTEN = {
    "3": 3,
    "-3.5": -3.5,
    "−3": -3,
    "１２": 12,
    "٤٤": 44,
    "-۱۲.۵": -12.5,
    "1e5": 1e5,
    ".5": 0.5,
    "12,5": 12.5,
    "0,123": 0.123,
    "1,234.5": 1234.5,
    "1.234,5": 1234.5,
    "1,234,567": 1234567,
    "1.234.567": 1234567,
    "1 234,5": 1234.5,
    "1\u00a0234": 1234,
    "1'000": 1000,
    "1 234 567": 1234567,
    "$ 1 234.50": 1234.5,
    "- 5": -5,
    "(1 234)": -1234,
    "12%": 12,
    "12 %": 12,
    "$1,000.50": 1000.5,
    "-$5": -5,
    "€ 3,50": 3.5,
    "￥100": 100,
    "100元": 100,
    "USD 5": 5,
    "5 EUR": 5,
    "(12)": -12,
    "inf": np.inf,
    "-Infinity": -np.inf,
}


@pytest.mark.parametrize(("written", "value"), WRITTEN.items())
def test_a_number_is_read_as_it_is_written(written: str, value: float) -> None:
    assert number.clean(texts(written)).to_list() == [value]


@pytest.mark.parametrize(
    "written",
    [
        "",
        "?",
        "-",
        "NA",
        "n/a",
        "NaN",
        "abc",
        "1.2.3",
        "1,23,456",
        "12 monkeys",
        "$",
        "%",
        "၁၂",
        "12 30",
        "5'11",
        "1_12",
        "2024 01 02",
        "1 2 3",
    ],
)
def test_what_is_no_number_is_missing(written: str) -> None:
    assert number.clean(texts(written)).to_list() == [None]


def test_a_thousand_or_one_and_something_is_settled_by_the_decimal_sign() -> None:
    cells = texts("1,234", "1.234")
    assert number.clean(cells, number.Settings(decimal="point")).to_list() == [1234, 1.234]
    assert number.clean(cells, number.Settings(decimal="comma")).to_list() == [1.234, 1234]


@pytest.mark.parametrize(
    ("cells", "sign"),
    [
        (("1,234", "12,5"), "comma"),
        (("1,234", "12.5"), "point"),
        (("1.234,50",), "comma"),
        (("1,234",), "point"),
        (("1,5", "1.5"), "point"),
    ],
)
def test_the_decimal_sign_is_told_from_the_whole_column(cells: tuple[str, ...], sign: str) -> None:
    assert number.decimal_sign(texts(*cells)) == sign


def test_an_unknown_decimal_sign_is_refused() -> None:
    with pytest.raises(UsageError, match=r'decimal = "dot": expected "point" or "comma"'):
        number.clean(texts("1"), number.Settings(decimal="dot"))


@given(st.lists(st.floats(allow_nan=False, width=32) | st.none(), max_size=30))
def test_typed_numbers_stay_what_they_are(values: list[float | None]) -> None:
    cells = numbers(*values)
    assert number.clean(cells).to_list() == values
    as_text = texts(*(None if value is None else repr(value) for value in values))
    assert number.clean(as_text).to_list() == values


def test_mean_and_spread_are_those_of_the_values() -> None:
    values = np.random.default_rng(0).normal(3, 2, 15)
    learned = number.learn(pl.Series(values), number.Settings(bins=14))
    assert learned["mean"] == pytest.approx(values.mean())
    assert learned["std"] == pytest.approx(values.std())
    assert learned["edges"] == pytest.approx(sorted(values))


def test_one_slip_of_the_decimal_point_changes_mean_and_spread_little() -> None:
    values = np.random.default_rng(0).normal(3, 2, 200)
    values[7] = 1e30
    learned = number.learn(pl.Series(values), number.Settings())
    assert learned["mean"] == pytest.approx(3, abs=0.5)
    assert learned["std"] == pytest.approx(2, abs=0.5)


def test_bins_hold_about_as_many_values_each() -> None:
    values = np.random.default_rng(0).exponential(size=1000)
    edges = number.learn(pl.Series(values), number.Settings(bins=10))["edges"]
    counts, _ = np.histogram(values.astype(np.float32), np.array(edges, np.float32))
    assert len(counts) == 10
    assert counts.min() >= 99
    assert counts.max() <= 101


def test_numbers_far_outside_are_cut_one_range_beyond_the_bounds() -> None:
    learned = number.learn(numbers(0, 5, 10), number.Settings())
    found = number.encode(numbers(1e30, np.inf, -np.inf, None, 12, 1e300), learned)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array([20, 20, -10, np.nan, 12, 20], np.float32))


def test_infinities_among_training_values_teach_nothing() -> None:
    with_them = number.learn(numbers(1, 2, 3, np.inf, -np.inf), number.Settings())
    assert with_them == number.learn(numbers(1, 2, 3), number.Settings())


def test_the_most_frequent_categories_come_first_and_single_ones_are_joined() -> None:
    learned = category.learn(texts("b", "a", "b", "c", "a", "b", None), category.Settings())
    assert learned == {"known": ["b", "a"], "has_missing": True, "has_rare": True}
    found = category.encode(texts("a", "b", "c", "never seen", None), learned)
    np.testing.assert_array_equal(found, np.array([1, 0, 2, 2, -1], np.float32))


def test_no_more_categories_are_known_than_asked() -> None:
    cells = texts(*(str(index % 50) for index in range(1000)))
    learned = category.learn(cells, category.Settings(most=8))
    assert len(learned["known"]) == 8
    assert learned["has_rare"]


@pytest.mark.parametrize("cells", [[1.0, 2.5, float("nan")], [" 1", "2.5 ", "NA"]])
def test_categories_are_the_same_whether_typed_or_written(cells: list[Any]) -> None:
    assert category.clean(pl.Series(cells)).to_list() == ["1", "2.5", None]


def test_none_is_a_value_and_not_a_missing_one() -> None:
    assert category.clean(texts("none", "None", "no")).to_list() == ["none", "None", "no"]


def test_yes_and_no_are_read_in_several_languages() -> None:
    found = boolean.clean(texts("Yes", "no", "是", "否", "1", "0.0", "TRUE", "f", "perhaps", None))
    assert found.to_list() == ["true", "false"] * 4 + [None, None]
    assert boolean.clean(pl.Series([True, False, None])).to_list() == ["true", "false", None]
    learned = boolean.learn(found, boolean.Settings())
    np.testing.assert_array_equal(boolean.encode(found[-4:], learned), np.array([1, 0, -1, -1], np.float32))


MOMENTS = {
    "2024-01-02": (2024, 1, 2),
    "1969-12-31": (1969, 12, 31),
    "2024/1/2": (2024, 1, 2),
    "2.1.2024": (2024, 1, 2),
    "31/12/2023": (2023, 12, 31),
    "12/31/2023": (2023, 12, 31),
    "2024年1月2日": (2024, 1, 2),
    "2024年1月2日 13时30分": (2024, 1, 2, 13, 30),
    "2 Jan 2024": (2024, 1, 2),
    "January 2, 2024": (2024, 1, 2),
    "20240229": (2024, 2, 29),
    "2024-01-02T13:30:00Z": (2024, 1, 2, 13, 30),
    "2024-01-02 13:30:15.5": (2024, 1, 2, 13, 30, 15, 500000),
    "2024-01-02 13:30:00+08:00": (2024, 1, 2, 5, 30),
    "2024-01-02 13:30:00+00": (2024, 1, 2, 13, 30),
    "2024-01-02 13:30:00.5-05": (2024, 1, 2, 18, 30, 0, 500000),
    "2024-01-02 13:30:00+0530": (2024, 1, 2, 8),
    "01/31/24": (2024, 1, 31),
    "1/2/24 1:05 PM": (2024, 2, 1, 13, 5),
    "31.01.24": (2024, 1, 31),
    "31.12.69": (2069, 12, 31),
    "01.01.70": (1970, 1, 1),
    "01-Jan-24": (2024, 1, 1),
    "2 December 99": (1999, 12, 2),
    "1/2/2024 1:05 PM": (2024, 2, 1, 13, 5),
    "2024-01-02 12:00 AM": (2024, 1, 2),
    "1704153600": (2024, 1, 2),
    "1704153600000": (2024, 1, 2),
}


@pytest.mark.parametrize(("written", "when"), MOMENTS.items())
def test_a_date_is_read_as_it_is_written(written: str, when: tuple[int, ...]) -> None:
    assert days(written) == [pytest.approx(day_number(*when), abs=1e-9)]


@pytest.mark.parametrize(
    "written",
    ["2023-02-29", "2024-13-01", "0.0.2024", "00000000", "12.5", "2024", "soon", "2024-01-02 25:00", "١٧٠٤١٥٣٦٠٠"],
)
def test_what_the_calendar_does_not_have_is_missing(written: str) -> None:
    assert days(written) == [None]


@pytest.mark.parametrize("written", ["3.10.12", "24-01-31", "31.04.24", "10/10/2000:13:55", "2 Jan 20:30"])
def test_what_only_resembles_a_date_with_a_short_year_is_missing(written: str) -> None:
    assert days(written) == [None]


@given(st.dates())
def test_every_day_since_year_one_is_read(day: Day) -> None:
    assert days(day.isoformat()) == [(day - Day(1970, 1, 1)).days]


def test_what_stands_first_is_told_from_the_whole_column() -> None:
    assert date.order(texts("1/2/2024", "13/2/2024")) == ("day", "")
    assert date.order(texts("1/2/2024", "2/13/2024")) == ("month", "")
    assert date.order(texts("1/2/2024")) == ("day", "month")
    assert date.order(texts("1.2.2024", "2024-01-02")) == ("day", "")
    assert days("1/2/2024", first="month") == [day_number(2024, 1, 2)]
    assert days("1.2.2024", first="month") == [day_number(2024, 2, 1)]


def test_two_digits_may_be_a_year_that_stands_first() -> None:
    assert date.order(texts("24/01/31", "23/12/01")) == ("day", "year")
    assert date.order(texts("24/01/31", "23/12/99")) == ("day", "")
    assert date.order(texts("1/31/24", "2/1/24")) == ("month", "")
    assert date.order(texts("1/2/24", "3/4/24")) == ("day", "month")
    assert date.order(texts("31.01.24", "01-Jan-24")) == ("day", "")


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(UsageError, match=r'first = "year": expected "day" or "month"'):
        date.clean(texts("1/2/2024"), date.Settings(first="year"))


def test_typed_dates_and_moments_are_read_in_utc() -> None:
    china = timezone(timedelta(hours=8))
    assert date.clean(pl.Series([Day(2024, 1, 2), None])).to_list() == [day_number(2024, 1, 2), None]
    assert date.clean(pl.Series([datetime(2024, 1, 2, 12)])).to_list() == [day_number(2024, 1, 2, 12)]
    assert date.clean(pl.Series([datetime(2024, 1, 2, 12, tzinfo=china)])).to_list() == [day_number(2024, 1, 2, 4)]


@pytest.mark.parametrize("name", SCALARS)
@pytest.mark.parametrize("cells", [[], [None, None], ["1"], ["2024-01-02"] * 3, ["x", None]])
def test_any_column_can_be_learned_and_coded(name: str, cells: list[str | None]) -> None:
    modality = plugins.load("modalities", name)
    clean = modality.clean(texts(*cells))
    learned = modality.learn(clean, modality.Settings())
    assert json.loads(json.dumps(learned, allow_nan=False)) == learned
    found = modality.encode(clean, learned)
    assert found.dtype == np.float32
    assert found.shape == (len(cells),)
    assert learned["has_missing"] == (clean.null_count() > 0)


@pytest.mark.parametrize("name", SCALARS)
def test_each_cell_is_cleaned_by_itself(name: str) -> None:
    modality = plugins.load("modalities", name)
    cells = texts("1", "yes", "2024-01-02", "1,5", None, "?", "红", "1.234,5")
    alone = [modality.clean(cells[row : row + 1])[0] for row in range(len(cells))]
    assert modality.clean(cells).to_list() == alone


@pytest.mark.parametrize(
    ("name", "cells", "share"),
    [
        ("number", ["1", 2, "2,5", None, "x"], 0.75),
        ("number", [], 0),
        ("boolean", ["yes", "no", None], 1),
        ("boolean", ["yes", "yes"], 0),
        ("boolean", [1, 0], 1),
        ("date", ["2024-01-02", "1704153600"], 0.5),
        ("category", ["a"] * 10, 0.9),
        ("category", ["a", "b", "c"], 0),
    ],
)
def test_how_much_cells_look_like_it(name: str, cells: list[Any], share: float) -> None:
    assert plugins.load("modalities", name).recognise(cells) == pytest.approx(share)


@pytest.mark.parametrize("form", ["number", "date"])
def test_whether_the_only_value_of_a_column_is_there_is_learned(form: str) -> None:
    plugin: Any = plugins.load("modalities", form)
    cells = pl.Series("cells", [19_000.0, None, 19_000.0, None])
    learned = {"columns": [{"form": form, **plugin.learn(cells, plugin.Settings())}]}
    found = table.features(plugin.encode(cells, learned["columns"][0])[:, None], learned)
    assert np.isfinite(found).all()
    assert not np.allclose(found[0], found[1])
    same = {"columns": [{"form": form, **plugin.learn(cells.drop_nulls(), plugin.Settings())}]}
    assert table.layout(same).lines == 0
