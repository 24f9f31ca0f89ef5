"""Reading the first sheet of a spreadsheet, every cell of it."""

from __future__ import annotations

import re
import zipfile
from typing import Any

import polars as pl

from penjing.core.errors import DataError, MissingExtra
from penjing.sources._words import first_line, some

# How fastexcel names the column whose cells are of kinds that it does not join.
_COLUMN = re.compile(r"could not determine dtype for column (.+)")


def read_spreadsheet(content: bytes, name: str) -> tuple[pl.DataFrame, list[str]]:
    """The cells of the first sheet, typed, and what to say of other sheets. Errors such as #DIV/0! are missing cells.

    Args:
        content: the file's bytes.
        name: what to call it in messages.

    Raises:
        DataError: it is no spreadsheet.
        MissingExtra: the package that reads it is not installed.
    """
    try:
        import fastexcel
    except ImportError as problem:
        raise MissingExtra("fastexcel", "excel", f"read {name}") from problem
    try:
        reader = fastexcel.read_excel(content)
        frame = _first_sheet(reader, fastexcel.UnsupportedColumnTypeCombinationError)
    except (fastexcel.FastExcelError, zipfile.BadZipFile, ValueError) as problem:
        raise DataError(f"{name} is not a spreadsheet, or is damaged: {first_line(problem)}") from problem
    first, *others = reader.sheet_names
    return frame, [f'The sheet "{first}" is read; left out: {some(others)}'] if others else []


def _first_sheet(reader: Any, mixed: type[Exception]) -> pl.DataFrame:
    """The first sheet; columns of kinds that are not joined, such as spans of time and words, are text."""
    texts: dict[str, str] = {}
    while True:
        try:
            # Of the first rows alone, the kind of a column would be wrong for later cells, which would be lost.
            sheet = reader.load_sheet(0, schema_sample_rows=None, dtypes=texts or None)
            return sheet.to_polars()
        except mixed as problem:
            column = _COLUMN.search(str(problem))
            if column is None or column[1] in texts:
                return reader.load_sheet(0, dtypes="string").to_polars()
            texts[column[1]] = "string"
