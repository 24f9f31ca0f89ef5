"""Reading a table file into a frame of text cells, whatever program in whatever country wrote it."""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import PurePosixPath

import polars as pl

from penjing.core.errors import DataError, MissingExtra
from penjing.sources._media import modality_of
from penjing.sources._words import distinct, many

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".parquet", ".pq", ".xlsx", ".xls"})
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# Byte order marks and what follows them; UTF-32 is not written by any spreadsheet.
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_ENCODINGS = {"utf-8-sig": "utf-8", "gb18030": "GB18030", "cp1252": "Windows-1252"}  # as people call them
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_BAD = "\ufffd"  # what stands for bytes that are no letter
_MOSTLY = 4  # letters beyond ASCII for each byte that is none, from which on a file is damaged and no other encoding
# How files begin that may be called .csv all the same.
_DISGUISED = {b"PK\x03\x04": ".xlsx", b"\xd0\xcf\x11\xe0": ".xls", b"PAR1": ".parquet"}
# Lines looked at to find the separator, and whether the first holds names.
_PEEK = 50
# Fewer lines are read cell by cell, so that one slip in a small table is looked at with all care.
_MANY_LINES = 200


def read_table(content: bytes, name: str) -> tuple[pl.DataFrame, list[str]]:
    """The cells of a table file and what to say about reading it.

    Args:
        content: the file's bytes.
        name: what to call it in messages; its extension tells the format.

    Returns:
        A frame whose columns are text (numbers as they are written), or bytes where a Parquet file holds pictures.

    Raises:
        DataError: it is not a table of that format, or has no rows.
        MissingExtra: a spreadsheet, and the package that reads it is not installed.
    """
    said: list[str] = []
    content, bare = _unpacked(content, name)
    suffix = next((kind for mark, kind in _DISGUISED.items() if content.startswith(mark)), None)
    if suffix is None:
        suffix = PurePosixPath(bare).suffix.lower()
    elif suffix not in (actual := PurePosixPath(bare).suffix.lower(), f"{actual}x"):
        said.append(f"{PurePosixPath(name).name} is a {suffix} file in truth, and read as one")
    if suffix in (".parquet", ".pq"):
        frame = as_text(_read_parquet(content, name))
    elif suffix in (".xlsx", ".xls"):
        frame = as_text(_read_spreadsheet(content, name))
    else:
        text, encoding = decode_text(content, name)
        if encoding != "utf-8":
            said.append(f"{PurePosixPath(name).name} is read as {encoding}")
        frame = _read_csv(text, name)
    if frame.is_empty():
        raise DataError(f"{name} has no rows; expected a line of column names and one line for each item")
    return frame, said


def without_empty_rows(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[int], list[str]]:
    """Without rows that spreadsheets leave below a table or between its parts: the frame, which rows it has now
    (none listed where all are kept), and what to say of the others.

    Raises:
        DataError: no row is left.
    """
    if any(kind not in (pl.String, pl.Float64) for kind in frame.dtypes):
        return frame, [], []
    is_there = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    empty = len(frame) - int(is_there.sum())
    if empty == len(frame):
        raise DataError(f"all {many(empty, 'row')} are empty; expected a value for each item")
    if not empty:
        return frame, [], []
    return frame.filter(is_there), is_there.arg_true().to_list(), [f"{many(empty, 'empty row')} left out"]


def is_table(name: str) -> bool:
    """Whether a file has the extension of a table, packed or not."""
    return PurePosixPath(name.lower().removesuffix(".gz")).suffix in TABLE_SUFFIXES


def is_description(name: str) -> bool:
    """Whether a file is called table.csv, or table with another such extension: it is there to describe its files."""
    return name.lower().startswith("table.") and name.count("/") == 0 and is_table(name)


def _unpacked(content: bytes, name: str) -> tuple[bytes, str]:
    """The content and the name without .gz.

    Raises:
        DataError: it is called .gz and is not.
    """
    if not name.lower().endswith(".gz"):
        return content, name
    try:
        return gzip.decompress(content), name[: -len(".gz")]
    except (OSError, EOFError, zlib.error) as problem:
        raise DataError(f"{name} cannot be unpacked ({problem}); pack it again with gzip") from problem


def decode_text(content: bytes, name: str) -> tuple[str, str]:
    """The text of a file and its encoding: by its mark, else UTF-8, else UTF-16 without a mark, else GB18030 or, where
    bytes beyond ASCII mostly stand alone, Windows-1252.

    Raises:
        DataError: it is none of these, or UTF-8 but for a few bytes.
    """
    encoding = next((encoding for mark, encoding in _MARKS.items() if content.startswith(mark)), "utf-8")
    zeros = content[:1000].count(0)
    is_wide = encoding == "utf-8" and zeros > len(content[:1000]) // 4
    if is_wide:
        encoding = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
    for candidate in dict.fromkeys((encoding, "gb18030" if _stand_together(content) else "cp1252")):
        try:
            text = content.decode(candidate)
        except UnicodeDecodeError:
            if candidate.startswith("utf-8"):
                _check_damage(content, name)
            continue
        if "\0" in text and not is_wide and candidate == "utf-8":
            line = text[: text.index("\0")].count("\n") + 1
            raise DataError(f"{name}, line {line} holds a NUL byte, so the file is damaged; save it anew as CSV UTF-8")
        if "\0" not in text:
            return text, _ENCODINGS.get(candidate, candidate)
    raise DataError(f"{name} is not text in UTF-8, UTF-16, GB18030 or Windows-1252; save it as CSV UTF-8")


def _stand_together(content: bytes) -> bool:
    """Whether bytes beyond ASCII mostly come in twos and more, as those of Chinese do and those of umlauts do not."""
    runs = _BEYOND_ASCII.findall(content)
    return 2 * sum(len(run) > 1 for run in runs) >= len(runs)


def _check_damage(content: bytes, name: str) -> None:
    """Raises:
    DataError: most characters beyond ASCII are UTF-8 and a few bytes are not.
    """
    text = content.decode("utf-8", "replace")
    bad = text.count(_BAD)
    if bad and sum(not letter.isascii() for letter in text) - bad > _MOSTLY * bad:
        line = text[: text.index(_BAD)].count("\n") + 1
        raise DataError(f"{name}, line {line} holds bytes that are not UTF-8 as the rest; save it anew as CSV UTF-8")


def _read_csv(text: str, name: str) -> pl.DataFrame:
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise DataError(f"{name} is empty; expected a line of column names and one line for each item")
    csv.field_size_limit(sys.maxsize)  # a cell may hold a whole book
    separator = _separator(lines[:_PEEK])
    plain = _plain_cells(text, separator)
    if plain is not None:
        return plain
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as problem:
        raise DataError(f"{name} is not a table: {problem}") from problem
    if separator == "\t" and len(rows) < len(lines) and len({line.count(separator) for line in lines}) == 1:
        # Every line is a row of its own, so its quotation marks are letters like others.
        rows = [[_unquoted(cell) for cell in line.split(separator)] for line in lines]
    numbered = [(number, row) for number, row in enumerate(rows, start=1) if not _is_blank_line(row)]
    first = next((place for place, (_, row) in enumerate(numbered) if any(cell.strip() for cell in row)), None)
    if first is None:  # nothing but separators
        raise DataError(f"{name} is empty; expected a line of column names and one line for each item")
    header, is_item = _header([row for _, row in numbered[first : first + _PEEK]])
    numbered = numbered[first + (not is_item) :]
    for number, row in numbered:
        if len(row) != len(header):
            raise DataError(
                f"{name}, row {number} has {len(row)} cells and not {len(header)} as the first "
                f"(separator: {_SEPARATORS[separator]}); put texts that hold the separator in quotes"
            )
    return _frame(header, [row for _, row in numbered])


def _unquoted(cell: str) -> str:
    """A cell without the quotation marks around all of it."""
    is_quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"') if is_quoted else cell


def _plain_cells(text: str, separator: str) -> pl.DataFrame | None:
    """What the rest of `_read_csv` gives, many times faster, of a long text without quotes in which every line has as
    many cells as the first; None of any other."""
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    is_careful = '"' in text or len(lines) < _MANY_LINES or not lines[0].replace(separator, "").strip()
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
    frame = pl.DataFrame(dict(zip(names, cells, strict=True)), schema=dict.fromkeys(names, pl.String))
    return _without_idle(frame, header)


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


def _read_parquet(content: bytes, name: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as problem:
        raise DataError(f"{name} is not a Parquet file, or is damaged: {first_line(problem)}") from problem


def _read_spreadsheet(content: bytes, name: str) -> pl.DataFrame:
    try:
        import fastexcel
    except ImportError as problem:
        raise MissingExtra("fastexcel", "excel", f"read {name}") from problem
    try:
        return fastexcel.read_excel(content).load_sheet(0).to_polars()
    except (fastexcel.FastExcelError, zipfile.BadZipFile, ValueError) as problem:
        raise DataError(f"{name} is not a spreadsheet, or is damaged: {first_line(problem)}") from problem


def first_line(problem: BaseException) -> str:
    """The first line of what another library says."""
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Every column as text, whole numbers without ".0", other numbers as they are: as texts they would be read with
    the decimal sign of other data. Columns of bytes, and of {bytes, path}, hold pictures; spans of time are seconds."""
    columns = []
    for series in frame.get_columns():
        kind = series.dtype
        if isinstance(kind, pl.Struct):
            series = _files_in(series, {part.name for part in kind.fields})
        if kind == pl.Duration:
            series = series.dt.total_microseconds() / 1e6
        if series.dtype.is_float() or (isinstance(kind, pl.Decimal) and kind.scale):
            series = series.cast(pl.String).cast(pl.Float64).fill_nan(None)  # by way of text: 0.1, not 0.10000000149
            series = series.cast(pl.Int64).cast(pl.String) if are_whole(series) else series
        elif kind.is_nested() or kind == pl.Object:
            pass
        elif kind != pl.Binary:
            series = series.cast(pl.String)
        if series.dtype == pl.String:
            series = series.str.strip_chars().replace("", None)
        columns.append(series)
    return pl.DataFrame(columns)


def _files_in(cells: pl.Series, parts: set[str]) -> pl.Series:
    """The bytes in a column of {bytes, path}, or the paths where no bytes are there; any other column as it is."""
    if "bytes" not in parts:
        return cells
    content = cells.struct.field("bytes")
    is_elsewhere = "path" in parts and content.null_count() == len(content)
    return (cells.struct.field("path") if is_elsewhere else content).alias(cells.name)


def are_whole(values: pl.Series) -> bool:
    """Whether numbers, missing ones aside, are whole and not larger than a float tells apart."""
    known = values.drop_nulls()
    return bool(((known % 1 == 0) & (known.abs() < 2**53)).all())
