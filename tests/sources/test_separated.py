"""Rows of text with every kind of quotation mark."""

from __future__ import annotations

import csv
import io
import random

import pytest

from penjing.core.errors import DataError
from penjing.sources._separated import read_separated

NOT_CLOSED = "with a quotation mark that nothing closes: it is taken as a letter"


def read(*lines: str) -> list[tuple[str | None, ...]]:
    """The rows of a table of these lines."""
    return read_separated("\n".join(lines), "t.csv")[0].rows()


@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_what_the_csv_module_writes_is_read_as_it_was(separator: str, quoting: int, line_end: str) -> None:
    draw = random.Random(0)
    pieces = ["word", '"', '""', "\n", "\r\n", separator, " ", "猫", "1.5"]
    rows = [["x" + "".join(draw.choices(pieces, k=6)) + "x" for _ in range(3)] for _ in range(300)]
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=separator, quoting=quoting, lineterminator=line_end).writerows(  # type: ignore[call-overload]
        [["a", "b", "c"], *rows]
    )
    frame, said = read_separated(written.getvalue(), "t.csv")
    assert frame.rows() == [tuple(row) for row in rows]
    assert said == []


@pytest.mark.parametrize("separator", [",", ";", "|"])
@pytest.mark.parametrize("many", [30, 300])
def test_a_quotation_mark_that_nothing_closes_swallows_no_rows(separator: str, many: int) -> None:
    rows = [
        ('"' if row % 5 == 1 else "") + f"this is review {row} of a film{separator}{row % 2}" for row in range(many)
    ]
    rows[3] = f'"quoted ""so""{separator}\nas a whole"{separator}1'
    frame, said = read_separated("\n".join([f"text{separator}label", *rows]), "t.csv")
    cells = frame["text"].to_list()
    assert len(cells) == many
    assert cells[1] == '"this is review 1 of a film'
    assert cells[3] == f'quoted "so"{separator}\nas a whole'
    assert said == [f"{many // 5} lines (3 …) {NOT_CLOSED}"]


def test_the_last_mark_that_nothing_closes_swallows_no_rows_either() -> None:
    assert read("text,label", '"one,1', "two,2", "three,1") == [('"one', "1"), ("two", "2"), ("three", "1")]


def test_marks_in_cells_and_after_their_end_are_read_as_before() -> None:
    rows = ['a 5" pipe,1', '"closed" and more,2', '"several\nlines" ,3', '"so\ncalled "friends" of",4']
    assert read("text,label", *rows) == [
        ('a 5" pipe', "1"),
        ("closed and more", "2"),
        ("several\nlines", "3"),
        ('so\ncalled friends" of"', "4"),
    ]


def test_a_row_in_which_a_mark_hides_the_end_is_named() -> None:
    with pytest.raises(DataError, match=r"t\.csv, line 3: a quotation mark opens a cell and nothing closes it"):
        read("text,label", "one,1", '"two, and more,2', "three,1")


def test_a_row_that_lacks_a_cell_is_not_cut_inside_its_quotes() -> None:
    with pytest.raises(DataError, match=r"t\.csv, row 3 has 1 cells and not 2"):
        read("text,label", "one,1", '"two, and more"', '"three" or so,1')


@pytest.mark.parametrize("many", [3, 300])
@pytest.mark.parametrize(("first", "separator"), [("sep=;", ";"), ('"sep=;"', ";"), ("SEP=|", "|"), ("sep=\t", "\t")])
def test_the_line_that_tells_excel_the_separator_is_no_row(first: str, separator: str, many: int) -> None:
    rows = [f"{row},5{separator}{row % 2}" for row in range(many)]
    found = read(first, f"size{separator}label", *rows)
    assert found == [(f"{row},5", str(row % 2)) for row in range(many)]


def test_cells_may_be_as_long_as_a_c_long_of_any_machine_tells() -> None:
    read("a,b", "1,2")
    assert csv.field_size_limit() == 2**31 - 1
