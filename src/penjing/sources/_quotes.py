"""Rows of text with quotation marks that nothing closes: such a mark is a letter, and swallows no rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from penjing.core.errors import DataError
from penjing.sources._words import many

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")


def lines_of(text: str) -> Iterator[str]:
    """The lines of a text with their ends, one after the other, so that they are never all in memory."""
    return (found[0] for found in _LINE.finditer(text))


def unquoted(cell: str) -> str:
    """A cell without the quotation marks around all of it."""
    is_quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"') if is_quoted else cell


class Mended:
    """A text with quotation marks that nothing closes, row by row.

    Args:
        text: the content of the file.
        separator: between its cells.
        name: what to call it in messages.
    """

    def __init__(self, text: str, separator: str, name: str):
        self._lines = list(lines_of(text))
        self._separator, self._name = separator, name
        self._width = 0  # cells of the first row with any value
        self._odd: list[int] = []  # the numbers of lines in which a mark is a letter

    @property
    def said(self) -> list[str]:
        """What to say about it, once all rows were taken."""
        if not self._odd:
            return []
        where = f"{many(len(self._odd), 'line')} ({self._odd[0]:,}{' …' if len(self._odd) > 1 else ''})"
        return [f"{where} with a quotation mark that nothing closes: it is taken as a letter"]

    def rows(self) -> Iterator[list[str]]:
        """The cells of each row, none for an empty line.

        Raises:
            DataError: a mark opens a cell and nothing closes it, and its line is no row by itself.
        """
        at = 0
        while at < len(self._lines):
            row, taken = self._row(at)
            if not self._width and any(cell.strip() for cell in row):
                self._width = len(row)
            yield row
            at += taken

    def _row(self, at: int) -> tuple[list[str], int]:
        """The cells of the row that begins in a line, and of how many lines it is."""
        line = self._lines[at]
        if '"' not in line:
            bare = line.rstrip("\r\n")
            return (bare.split(self._separator) if bare else []), 1
        first, *others = csv.reader([line, "x"], delimiter=self._separator)
        is_closed = bool(others)  # else the "x" is in quotes, too
        if is_closed and self._fits(first):
            return first, 1
        proper, taken = self._properly(at)
        if proper and self._fits(proper):
            return proper, taken
        letters = [unquoted(cell) for cell in line.rstrip("\r\n").split(self._separator)]
        if self._width == len(letters) and not (is_closed and proper):
            self._odd.append(at + 1)
            return letters, 1
        if proper or is_closed:
            return (proper, taken) if proper else (first, 1)
        loose, taken = self._loosely(at)
        if loose:
            return loose, taken
        raise DataError(
            f"{self._name}, line {at + 1:,}: a quotation mark opens a cell and nothing closes it; close it, or "
            "write it twice in a cell in quotes"
        )

    def _fits(self, row: list[str]) -> bool:
        return self._width in (0, len(row))

    def _properly(self, at: int) -> tuple[list[str], int]:
        """A row as the rules have it, with the lines that its cells in quotes go on in; none where it breaks them."""
        reader = csv.reader(
            (self._lines[row] for row in range(at, len(self._lines))), strict=True, delimiter=self._separator
        )
        try:
            return next(reader), reader.line_num
        except csv.Error:
            return [], 0

    def _loosely(self, at: int) -> tuple[list[str], int]:
        """A row of several lines with marks inside that should be written twice; none where the last line is a row."""
        reader = csv.reader((self._lines[row] for row in range(at, len(self._lines))), delimiter=self._separator)
        row = next(reader)
        has_end = self._lines[at + reader.line_num - 1].count('"') % 2 == 1  # in pairs they belong to that line alone
        return (row, reader.line_num) if reader.line_num > 1 and has_end and self._fits(row) else ([], 0)
