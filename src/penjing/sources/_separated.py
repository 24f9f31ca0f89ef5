"""Reading rows of text: lines with commas, semicolons, tabs or bars between their cells."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterable, Sequence
from itertools import chain, dropwhile, islice

import polars as pl

from penjing.core.errors import DataError
from penjing.sources._media import modality_of
from penjing.sources._quotes import Mended, lines_of, unquoted
from penjing.sources._words import distinct

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# Lines looked at to find the separator, and whether the first holds names.
_PEEK = 50
# Fewer lines are read cell by cell, so that one slip in a small table is looked at with all care.
_MANY_LINES = 200
_BLOCK = 500_000  # cells that are objects of Python at one time; a frame holds them in a tenth of the memory
_SEP = re.compile(r'"?sep=([,;|\t])"?(\r\n|\r|\n)', re.IGNORECASE)


def read_separated(text: str, name: str) -> tuple[pl.DataFrame, list[str]]:
    """The cells of a text whose lines are rows, and what to say about reading it.

    Args:
        text: the content of the file.
        name: what to call it in messages.

    Raises:
        DataError: it is empty, a row has more or fewer cells than the first, or a quotation mark opens a cell of a row
            of several lines and nothing closes it.
    """
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a cell may hold a whole book; a C long of Windows has 32 bits
    text, separator = _told(text)
    peek = list(islice((line.rstrip("\r\n") for line in lines_of(text) if line.strip()), _PEEK))
    if not peek:
        raise DataError(f"{name} is empty; expected a line of column names and one line for each item")
    separator = separator or _separator(peek)
    plain = _plain_cells(text, separator)
    if plain is not None:
        return plain, []
    if separator == "\t" and _are_lines(text):
        # Every line is a row of its own, so its quotation marks are letters like others.
        return _assembled((_cut(line, separator) for line in lines_of(text)), separator, name), []
    try:
        return _assembled(csv.reader(lines_of(text), delimiter=separator, strict=True), separator, name), []
    except (csv.Error, DataError):
        mended = Mended(text, separator, name)
    try:
        return _assembled(mended.rows(), separator, name), mended.said
    except csv.Error as problem:
        raise DataError(f"{name} is not a table: {problem}") from problem


def _told(text: str) -> tuple[str, str]:
    """The text with an empty line for the one with which a file for Excel may begin, "sep=;", and the separator that
    it names, else ""."""
    found = _SEP.match(text)
    return (text, "") if found is None else (found[2] + text[found.end() :], found[1])


def _are_lines(text: str) -> bool:
    """Whether every line has as many tabs, and quotation marks would make fewer rows of them."""
    lines = [line.count("\t") for line in lines_of(text) if line.strip()]
    rows = sum(not _is_blank_line(row) for row in csv.reader(lines_of(text), delimiter="\t"))
    return rows < len(lines) and len(set(lines)) == 1


def _cut(line: str, separator: str) -> list[str]:
    """The cells of a line whose quotation marks are letters, but for those around all of a cell."""
    bare = line.rstrip("\r\n")
    return [unquoted(cell) for cell in bare.split(separator)] if bare else []


def _assembled(rows: Iterable[list[str]], separator: str, name: str) -> pl.DataFrame:
    """The frame of rows, the first of which with any value holds the names.

    Raises:
        DataError: there is no value, or a row has more or fewer cells than the first.
    """
    filled = ((number, row) for number, row in enumerate(rows, start=1) if not _is_blank_line(row))
    numbered = dropwhile(lambda one: not any(cell.strip() for cell in one[1]), filled)
    peek = list(islice(numbered, _PEEK))
    if not peek:  # nothing but separators
        raise DataError(f"{name} is empty; expected a line of column names and one line for each item")
    header, is_item = _header([row for _, row in peek])
    items = chain(peek[not is_item :], numbered)
    blocks, rows_each = [_frame(header, [])], max(1, _BLOCK // len(header))
    while block := list(islice(items, rows_each)):
        for number, row in block:
            if len(row) != len(header):
                raise DataError(
                    f"{name}, row {number} has {len(row)} cells and not {len(header)} as the first "
                    f"(separator: {_SEPARATORS[separator]}); put texts that hold the separator in quotes"
                )
        blocks.append(_frame(header, [row for _, row in block]))
    return _without_idle(pl.concat(blocks, rechunk=True), header)


def _plain_cells(text: str, separator: str) -> pl.DataFrame | None:
    """What the rest of `read_separated` gives, many times faster, of a long text without quotes in which every line has
    as many cells as the first; None of any other."""
    if '"' in text:
        return None
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    is_careful = len(lines) < _MANY_LINES or not lines[0].replace(separator, "").strip()
    separators = lines[0].count(separator)
    if is_careful or any("\r" in line or line.count(separator) != separators for line in lines):
        return None
    header, is_item = _header([line.split(separator) for line in lines[:_PEEK]])
    frame = pl.read_csv(
        io.BytesIO("\n".join(lines if is_item else lines[1:]).encode()),
        separator=separator,
        has_header=False,
        infer_schema=False,
        quote_char=None,
        new_columns=distinct(header),
    )
    return _without_idle(frame.with_columns(pl.all().str.strip_chars().replace("", None)), header)


def _header(rows: Sequence[Sequence[str]]) -> tuple[list[str], bool]:
    """The names of the columns, and whether the first row is an item itself, so that the columns are numbered.

    It is one where it names a file as the cell below it does: "weight.raw" may be a name of R.
    """
    header = [cell.strip() for cell in rows[0]]
    if any(modality_of(name) and _is_over_files(rows[1:], index) for index, name in enumerate(header)):
        return [f"column_{index}" for index in range(1, len(header) + 1)], True
    return header, False


def _is_over_files(rows: Sequence[Sequence[str]], index: int) -> bool:
    """Whether the first cell of a column that is not empty names a file, or there are no rows."""
    cells = (row[index].strip() for row in rows if len(row) > index)
    below = next((cell for cell in cells if cell), "")
    return not rows or modality_of(below) is not None


def _is_blank_line(row: Sequence[str]) -> bool:
    """Whether a line separates rows and is none; an empty cell in quotes is a row of one column."""
    return not row or (len(row) == 1 and row[0] != "" and not row[0].strip())


def _frame(header: list[str], rows: list[list[str]]) -> pl.DataFrame:
    """A frame of text."""
    names = distinct(header)
    cells = [[cell.strip() or None for cell in column] for column in zip(*rows, strict=True)] or [[] for _ in header]
    return pl.DataFrame(dict(zip(names, cells, strict=True)), schema=dict.fromkeys(names, pl.String))


def _without_idle(frame: pl.DataFrame, header: Sequence[str]) -> pl.DataFrame:
    """Without columns that have no name and hold nothing, or only count the rows as pandas does."""
    counted = pl.Series([str(row) for row in range(len(frame))], dtype=pl.String)
    idle = [
        column.name
        for name, column in zip(header, frame.iter_columns(), strict=True)
        if not name and (column.null_count() == len(column) or column.equals(counted))
    ]
    return frame if len(idle) == frame.width else frame.drop(idle)


def _separator(lines: list[str]) -> str:
    """The separator that cuts every line into the same number of cells, the larger number if there are two."""

    def width(separator: str) -> int:
        try:
            widths = {len(row) for row in csv.reader(lines, delimiter=separator)}
        except csv.Error:
            return 0
        return widths.pop() if len(widths) == 1 else 1

    best = max(_SEPARATORS, key=width)
    # Where no separator fits every line, the one in the first line will name the line that is wrong.
    return best if width(best) > 1 else max(_SEPARATORS, key=lines[0].count)
