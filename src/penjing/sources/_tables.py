"""Reading a table file into a frame of text cells, whatever program in whatever country wrote it."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from pathlib import PurePosixPath

import polars as pl

from penjing.core.errors import DataError
from penjing.sources._cells import Told, together, with_rows_spread
from penjing.sources._separated import read_separated
from penjing.sources._spreadsheets import read_spreadsheet
from penjing.sources._words import first_line, many

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".parquet", ".pq", ".xlsx", ".xls"})
# Byte order marks and what follows them; UTF-32 is not written by any spreadsheet.
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_ENCODINGS = {"utf-8-sig": "utf-8", "gb18030": "GB18030", "cp1252": "Windows-1252"}  # as people call them
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_TWO_BYTES = "\u07ff"  # the last letter that takes no more in UTF-8
_BAD = "\ufffd"  # what stands for bytes that are no letter
_MOSTLY = 4  # letters beyond ASCII for each byte that is none, from which on a file is damaged and no other encoding
# How files begin that may be called .csv all the same.
_DISGUISED = {b"PK\x03\x04": ".xlsx", b"\xd0\xcf\x11\xe0": ".xls", b"PAR1": ".parquet"}


def read_table(
    content: bytes, name: str, told: Told | None = None, may_be_empty: bool = False
) -> tuple[pl.DataFrame, list[str]]:
    """The cells of a table file and what to say about reading it.

    Args:
        content: the file's bytes.
        name: what to call it in messages; its extension tells the format.
        told: what is known of columns of lists, which a Parquet file may hold.
        may_be_empty: whether a table may have no rows.

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
        frame = as_text(_with_rows_spread(_read_parquet(content, name), told or Told()))
    elif suffix in (".xlsx", ".xls"):
        sheet, said_of_sheets = read_spreadsheet(content, name)
        frame = as_text(sheet)
        said += said_of_sheets
    else:
        text, encoding = decode_text(content, name)
        if encoding != "utf-8":
            said.append(f"{PurePosixPath(name).name} is read as {encoding}")
        frame, said_of_rows = read_separated(text, name)
        said += said_of_rows
    if frame.is_empty() and not may_be_empty:
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
    if not bad or sum(not letter.isascii() for letter in text) - bad <= _MOSTLY * bad:
        return
    # Only three bytes and more prove UTF-8: two may be one character of Chinese, such as 女 and 猫 in GB18030.
    if sum(letter > _TWO_BYTES for letter in text) - bad > _MOSTLY * bad or not _may_be_chinese(content):
        line = text[: text.index(_BAD)].count("\n") + 1
        raise DataError(f"{name}, line {line} holds bytes that are not UTF-8 as the rest; save it anew as CSV UTF-8")


def _may_be_chinese(content: bytes) -> bool:
    """Whether bytes that are no UTF-8 are GB18030: they come in twos, of which a byte that is damaged is none."""
    if _decoded(content, "gb18030") is None:
        return False
    odd = [run for run in _BEYOND_ASCII.findall(content) if _decoded(run, "utf-8") is None]
    return 2 * sum(len(run) % 2 == 0 for run in odd) > len(odd)


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _read_parquet(content: bytes, name: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as problem:
        raise DataError(f"{name} is not a Parquet file, or is damaged: {first_line(problem)}") from problem


def _with_rows_spread(frame: pl.DataFrame, told: Told) -> pl.DataFrame:
    """Lists of numbers as columns, as of a frame in memory; those known to be something else, such as sounds, stay."""
    columns: list[pl.Series] = []
    for series in frame.get_columns():
        stays = told.is_spread(series.name) is False
        columns += [series] if stays else with_rows_spread(series.to_frame(), told).get_columns()
    return together(columns)


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
