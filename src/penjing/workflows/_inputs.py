"""Whatever a person wants predicted, as references and cells; nothing of it is decoded yet.

Paths are asked through `os.path`, which answers no where pathlib raises: a name that is too long, an unknown home.
"""

# ruff: noqa: PTH111, PTH112, PTH113, PTH207

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from penjing.core.errors import DataError, UsageError
from penjing.core.events import Said, Watch, tell
from penjing.core.table import Store
from penjing.sources import Options, missing, open_data
from penjing.sources._arrays import numbered
from penjing.sources._cells import (
    Told,
    as_column,
    cells_of,
    frame_of,
    from_pandas,
    is_missing,
    is_series,
    with_rows_spread,
)
from penjing.sources._listing import (
    check_not_empty,
    is_litter,
    leave_out,
    natural_key,
    readable,
    remarks,
    sort_out,
    walk,
)
from penjing.sources._media import TEXT_SUFFIXES, modality_of, noun, plural
from penjing.sources._places import Place, current_place, folder_place, zip_place
from penjing.sources._references import as_array
from penjing.sources._stores import ArrayStore, BytesStore, FolderStore, ZipStore
from penjing.sources._tables import as_text, decode_text, is_description, is_table, read_table
from penjing.workflows._rows import Source, Wanted, rows_of
from penjing.workflows._survey import IMAGE

_NOTHING = "there is nothing to predict; give a file, a folder, a pattern such as 'new/*.jpg' or a table"
_LONGEST_NAME = 60  # characters of a text that its answer is shown with
_FRAME = "the table"  # what rows in memory are called


class _Words(str):
    """A text that is to be predicted itself, and not the path of one."""

    __slots__ = ()


def gather(inputs: object, wanted: Wanted, watch: Watch = None) -> list[Source]:
    """Everything to be predicted.

    Args:
        inputs: for a run that looks at one file: a file, a folder, a pattern such as "new/*.jpg", a table with a path
            column, a .zip, or several of these in a list; or in memory one item, arrays, or a Dataset of pictures.
            For a run that looks at one text: the same with .txt files, or texts; of several str in a list only what
            names files of texts is no text, so that a folder among them is given as a Path. For every run: a table
            file, a data frame, a dict of columns, a dict of one row or a list of such.
        wanted: what the run looks at.
        watch: hears what is left out or missing.

    Raises:
        DataError: there is nothing there, or it is not of the kind that the run looks at.
        UsageError: nothing was given, or it is not clear which column of a table is meant.
    """
    if isinstance(inputs, str | Path):
        return _of_paths([inputs], wanted, watch)
    inputs = _as_list(inputs, wanted)
    if isinstance(inputs, list | tuple) and all(isinstance(item, str | Path) for item in inputs):
        if wanted.is_of_texts and len(inputs) > 1:
            inputs = [_Words(one) if isinstance(one, str) and _is_no_path(one) else one for one in inputs]
        return _of_paths(inputs, wanted, watch)
    frame = _as_frame(inputs, wanted)
    if frame is None and wanted.only is None and getattr(inputs, "ndim", 0) == 2 and hasattr(inputs, "__array__"):
        frame = as_text(pl.DataFrame(numbered(np.asarray(inputs))))
    if frame is not None:
        if frame.is_empty():
            raise DataError(f"{_FRAME} has no rows; expected one for each item")
        return [rows_of(frame, wanted, current_place(), _FRAME, watch=watch)]
    if wanted.is_of_texts:
        return [_of_texts(_texts(inputs), wanted)]
    if wanted.only is None:
        kind = type(inputs).__name__
        raise DataError(f"this run looks at rows of a table ({wanted}); give a table or a data frame, not {kind}")
    return [_of_memory(inputs, wanted, watch)]


# ---- paths


def _of_paths(paths: Sequence[str | Path], wanted: Wanted, watch: Watch) -> list[Source]:
    """The sources of paths, in their order; neighbours that are one item each share a source."""
    expanded = [path for given in paths for path in _expanded(given, wanted)]
    if not expanded:
        raise UsageError(_NOTHING)
    found: list[Source] = []
    is_alone = len(expanded) == 1
    for how, group in groupby(expanded, key=lambda path: _how(path, wanted, is_alone)):
        if how == "text":
            found.append(_of_texts([str(text) for text in group], wanted))
        elif how == "file":
            found.append(_of_files([str(path) for path in group], FolderStore(Path()), wanted))
        else:
            found += [_of_place(Path(path), wanted, is_alone, watch) for path in group]
    return found


def _expanded(given: str | Path, wanted: Wanted) -> list[Path | _Words]:
    """What a path means: itself, the files that match it as a pattern in natural order, or that it is a text.

    Raises:
        DataError: it is a pattern, and nothing matches.
        UsageError: it is empty.
    """
    if isinstance(given, _Words):
        return [given]
    text = os.path.expanduser(given)
    if not text.strip():
        raise UsageError(f"an empty path was given; {_NOTHING.partition('; ')[2]}")
    if os.path.lexists(text):
        return [Path(text)]
    matched = sorted(_matched(text), key=natural_key)
    # "new/**" names folders and what is in them; counting both would predict every item twice.
    files = [Path(name) for name in matched if os.path.isfile(name)]
    kept = [path for path in files if _is_item(path.name, wanted)] or files or [Path(name) for name in matched]
    if kept:
        return [*kept]
    if wanted.is_of_texts and isinstance(given, str) and not _is_named_like_a_file(given):
        return [_Words(given)]
    if glob.has_magic(text):
        raise DataError(f"no file matches {text}; check the pattern, and put it in quotes")
    return [Path(text)]


def _matched(text: str) -> list[str]:
    """What a text matches as a pattern, in no order; no name holds a NUL, of which `glob` makes an error."""
    return glob.glob(text, recursive=True) if glob.has_magic(text) and "\0" not in text else []


def _matched_in_folder(text: str) -> list[str]:
    """The same of a pattern that names a folder: "*****" matches whatever lies here."""
    return _matched(text) if {"/", os.sep} & set(text) else []


def _is_no_path(given: str) -> bool:
    """Whether a text among others is no path: it neither is the name of a file of texts, there or not, nor a pattern
    with a folder that such a file matches.

    A folder's name may well be a text ("docs", "..", "/"), and its files would be answered in the place of one item.
    """
    text = os.path.expanduser(given)
    if _is_named_like_a_file(text) or (os.path.isfile(text) and _ends_as_a_file(text)):
        return False
    return not any(_ends_as_a_file(name) and os.path.isfile(name) for name in _matched_in_folder(text))


def as_typed(inputs: Sequence[str]) -> list[str | Path]:
    """Arguments of a command line for `gather`: there the name of what exists is its path, a folder's among texts, too,
    and so is a pattern with a folder."""
    return [Path(one) if _is_there(one) else one for one in inputs]


def _is_there(given: str) -> bool:
    text = os.path.expanduser(given)
    return os.path.lexists(text) or bool(_matched_in_folder(text))


def _is_named_like_a_file(text: str) -> bool:
    """Whether a text of one word ends as a file of texts does: a slip in a path is not to be predicted."""
    return len(text.split()) == 1 and _ends_as_a_file(text)


def _ends_as_a_file(text: str) -> bool:
    """Whether it has the ending of a file of texts, of a table or of an archive."""
    suffix = Path(text).suffix.lower()
    return is_table(text) or suffix == ".zip" or suffix in TEXT_SUFFIXES


def _is_item(name: str, wanted: Wanted) -> bool:
    """Whether a file of this name is what the run looks at."""
    if wanted.is_of_texts:
        return Path(name).suffix.lower() in TEXT_SUFFIXES
    return wanted.only is not None and modality_of(name) == wanted.only.modality


def _how(path: Path | _Words, wanted: Wanted, is_alone: bool) -> str:
    """ "text", "file" (one item) or "place" (a folder, a table, an archive).

    Alone, a path must say so by its name, or an error explains what it is instead. Among others, whatever is neither
    a folder nor a table nor an archive is tried, and named among the unreadable if it fails.
    """
    if isinstance(path, _Words):
        return "text"
    is_place = os.path.isdir(path) or is_table(path.name) or path.suffix.lower() == ".zip"
    if is_place or wanted.only is None:
        return "place"
    is_one = not is_alone or (os.path.isfile(path) and (_is_item(path.name, wanted) or not path.suffix))
    return "file" if is_one else "place"


def _of_files(names: Sequence[str], store: Store, wanted: Wanted) -> Source:
    """Files that are one item each."""
    assert wanted.only is not None
    column = wanted.only.name
    if not wanted.is_of_texts:
        return Source(pl.DataFrame({column: names}, schema={column: pl.String}), {column: store})
    texts: list[str | None] = []
    errors = {}
    for row, name in enumerate(names):
        try:
            content = store.read(name)
            texts.append(decode_text(content if isinstance(content, bytes) else b"", store.name(name))[0])
        except DataError as problem:
            texts.append(None)
            errors[row] = str(problem).removeprefix(store.name(name)).lstrip(" :")
    called = [readable(store.name(name)) for name in names]
    return Source(pl.DataFrame({column: texts}, schema={column: pl.String}), names=called, errors=errors)


def _of_place(path: Path, wanted: Wanted, is_alone: bool, watch: Watch) -> Source:
    """The items in a folder, an archive or a table.

    Raises:
        DataError: it is none of these, or nothing is in it.
    """
    is_archive = path.suffix.lower() == ".zip" and os.path.isfile(path)
    prefix = "" if is_alone else f"{path.name}, "
    if is_table(path.name) and os.path.isfile(path):
        return _of_table(FolderStore(path.parent), path.name, folder_place(path.parent), wanted, prefix, watch)
    if not is_archive and not os.path.isdir(path):
        if os.path.isfile(path):
            raise DataError(_other_kind(path, wanted))
        raise DataError(missing(path, _expected(wanted)))
    store: ZipStore | FolderStore
    if is_archive:
        store = ZipStore(path)
        names = [name for name in store.members if not any(is_litter(part) for part in name.split("/"))]
    else:
        actual = {readable(name): name for name in walk(path, wanted.ignore)}
        store, names = FolderStore(path, {name: real for name, real in actual.items() if name != real}), list(actual)
    if wanted.only is not None:
        return _of_listing(names, store, path, wanted, watch)
    table = _table_among(leave_out(names, wanted.ignore)[0], path, wanted)
    place = _place(store, table) if is_archive else folder_place((path / table).parent)
    return _of_table(store, table, place, wanted, prefix, watch)


def _place(store: Any, table: str) -> Place:
    return zip_place(store, f"{table.rpartition('/')[0]}/" if "/" in table else "")


def _of_listing(names: Iterable[str], store: Store, path: Path, wanted: Wanted, watch: Watch) -> Source:
    """The files among `names` that the run looks at."""
    assert wanted.only is not None
    listing = sort_out(names, wanted.ignore, wanted.only.modality)
    check_not_empty(listing, str(path), wanted.only.modality)
    for doubt in remarks(listing)[1]:
        if "--input" not in doubt:  # the run settles what it looks at
            tell(watch, Said(doubt))
    return _of_files(listing.files, store, wanted)


def _of_table(store: Store, name: str, place: Place, wanted: Wanted, prefix: str, watch: Watch) -> Source:
    title = store.name(name)
    content = store.read(name)
    assert isinstance(content, bytes), "a table is a file"
    frame, _ = read_table(content, title, _told(wanted))
    source = rows_of(frame, wanted, place, name, prefix, watch)
    return _without_ignored(source, wanted)


def _without_ignored(source: Source, wanted: Wanted) -> Source:
    """Without the rows of which a file matches a pattern of `ignore`."""
    if not wanted.ignore:
        return source
    keep = np.ones(len(source), dtype=bool)
    for column in source.stores:
        cells = source.cells[column]
        kept = set(leave_out(cells.drop_nulls().to_list(), wanted.ignore)[0])
        keep &= np.array([cell is None or cell in kept for cell in cells.to_list()])
    names = source.names and [name for name, is_kept in zip(source.names, keep, strict=True) if is_kept]
    return Source(source.cells.filter(pl.Series(keep)), source.stores, names)


def _table_among(names: Sequence[str], path: Path, wanted: Wanted) -> str:
    """The table in a folder or an archive whose rows are meant.

    Raises:
        DataError: there is none, or several.
    """
    tables = sorted((name for name in names if is_table(name)), key=lambda name: (name.count("/"), natural_key(name)))
    described = [name for name in tables if is_description(name.rpartition("/")[2])][:1]
    if len(described or tables) != 1:
        there = f"several tables ({', '.join(tables[:5])})" if tables else "no table"
        raise DataError(
            f"this run looks at rows of a table ({wanted}), and {path} holds {there}; give the table itself"
        )
    return (described or tables)[0]


def _other_kind(path: Path, wanted: Wanted) -> str:
    """Why a file is nothing that the run can answer for."""
    kind = modality_of(path.name)
    if wanted.only is None:
        return f"this run looks at rows of a table ({wanted}); give a .csv, .tsv, .parquet or .xlsx file, not {path}"
    if kind is not None:
        looked_at = plural(wanted.only.modality)
        return f"{path} is a file of {plural(kind)}, and this run looks at {looked_at}; give {looked_at}"
    return f"{path} is not data of a known kind; expected {_expected(wanted)}"


def _expected(wanted: Wanted) -> str:
    """What a run can answer for, in words."""
    if wanted.only is None:
        return f"a table (.csv, .tsv, .parquet, .xlsx) with {wanted}"
    return f"{plural(wanted.only.modality)}, a folder or .zip of them, or a table of their paths"


# ---- in memory


def _as_list(data: Any, wanted: Wanted) -> Any:
    """A series of files, paths or arrays as a list of them, and two pictures as what they are: no pair of x and y."""
    if wanted.only is None or wanted.is_of_texts:
        return data
    is_pair = isinstance(data, tuple) and len(data) == 2
    if is_pair and all(_may_be_picture(one) for one in data):
        return list(data)
    is_vector = is_series(data) or (hasattr(data, "__array__") and getattr(data, "ndim", 0) == 1)
    if not is_vector or getattr(data.dtype, "kind", "O") not in ("O", "U", "T"):  # the types of polars have no kind
        return data
    return [None if is_missing(cell) else cell for cell in cells_of(data)]


def _may_be_picture(value: Any) -> bool:
    """Whether it is a picture of Pillow, or an array of two or three axes; labels have one."""
    return hasattr(value, "convert") or (hasattr(value, "__array__") and getattr(value, "ndim", 0) in (2, 3))


def _as_frame(data: Any, wanted: Wanted) -> pl.DataFrame | None:
    """Rows in memory as a frame of cells; None where it is something else."""
    told = _told(wanted)
    if isinstance(data, pl.DataFrame):
        return as_text(with_rows_spread(data, told))
    if isinstance(data, Mapping):
        columns = {str(name): values for name, values in data.items()}
        lengths = {len(values) for values in columns.values() if not _is_single(values)}
        if not lengths:  # single values: one row
            return as_text(pl.DataFrame([as_column(name, [value]) for name, value in columns.items()]))
        if len(lengths) > 1 or any(_is_single(values) for values in columns.values()):
            raise DataError(
                "the columns have different lengths; give lists of one length, or single values for one row"
            )
        return as_text(frame_of(columns.items(), told))
    if isinstance(data, list | tuple) and data and all(isinstance(row, Mapping) for row in data):
        names = dict.fromkeys(str(name) for row in data for name in row)
        return as_text(frame_of(((name, [row.get(name) for row in data]) for name in names), told))
    if hasattr(data, "columns") and hasattr(data, "iloc"):  # pandas
        return as_text(from_pandas(data, told))
    return None


def _told(wanted: Wanted) -> Told:
    """Of which columns the run looks at rows of numbers, one column for each of their places."""

    def is_spread(name: str) -> bool:
        return f"{name}_0" in wanted.columns and name not in wanted.columns

    return Told(is_spread, lambda name: name in wanted.columns or is_spread(name))


def _is_single(values: Any) -> bool:
    """Whether a dict has one value under a name, and no column."""
    is_one = isinstance(values, str | bytes | Mapping | set | frozenset) or not hasattr(values, "__len__")
    return is_one or getattr(values, "ndim", 1) == 0


def _texts(data: Any) -> list[str | None]:
    """Texts in memory.

    Raises:
        DataError: they are none.
    """
    is_many = isinstance(data, list | tuple) or is_series(data) or getattr(data, "ndim", 0) == 1
    cells = cells_of(data) if is_many else None
    if cells is None or not all(isinstance(cell, str) or is_missing(cell) for cell in cells):
        raise DataError(
            f"this run looks at texts; give texts, .txt files or a table of them, not {type(data).__name__}"
        )
    return [cell if isinstance(cell, str) else None for cell in cells]


def _of_texts(texts: Sequence[str | None], wanted: Wanted) -> Source:
    """Texts that are to be predicted themselves; each is called by its beginning."""
    assert wanted.only is not None
    if not texts:
        raise UsageError(_NOTHING)
    names = [_beginning(text or "") or f"row {row}" for row, text in enumerate(texts, start=1)]
    return Source(pl.DataFrame({wanted.only.name: texts}, schema={wanted.only.name: pl.String}), names=names)


def _beginning(text: str) -> str:
    text = " ".join(text[: 10 * _LONGEST_NAME].split())
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"


def _of_memory(data: Any, wanted: Wanted, watch: Watch) -> Source:
    """Files' contents in memory: one item, arrays, or a Dataset of pictures."""
    assert wanted.only is not None
    column, modality = wanted.only.name, wanted.only.modality
    if isinstance(data, bytes | bytearray):
        return Source(pl.DataFrame({column: ["0"]}), {column: BytesStore([bytes(data)], "bytes")})
    is_grey = wanted.inputs[0].channels == 1
    alone = _is_one_picture(data, is_grey) if modality == IMAGE else hasattr(data, "__array__")
    if alone:
        return Source(pl.DataFrame({column: ["0"]}), {column: ArrayStore([as_array(data, modality)], noun(modality))})
    if modality != IMAGE:
        if isinstance(data, list | tuple) and data and all(isinstance(one, bytes) for one in data):
            rows = [str(row) for row in range(len(data))]
            return Source(pl.DataFrame({column: rows}), {column: BytesStore(data, "bytes")})
        if not isinstance(data, list | tuple) or not data or not all(hasattr(one, "__array__") for one in data):
            expected = plural(modality)
            raise DataError(
                f"data of type {type(data).__name__} cannot be read; expected {expected}: files, a folder, a table of "
                "paths, an array or a list of arrays"
            )
        rows = [str(row) for row in range(len(data))]
        return Source(pl.DataFrame({column: rows}), {column: ArrayStore([as_array(one, modality) for one in data])})
    table = open_data(data, Options(target="none", split="none", ignore=wanted.ignore))
    for doubt in table.doubts:
        if "--group" not in doubt:  # groups matter to a split, and here is none
            tell(watch, Said(doubt))
    name = table.inputs[0].name
    return Source(pl.DataFrame({column: table.frame[name]}), {column: table.stores[name]})


def _is_one_picture(value: Any, is_grey: bool) -> bool:
    """Whether it is a Pillow image, or an array of the shape of one picture.

    Pictures three pixels wide are rarer than a single picture in colour; three grey ones, for a run that learned from
    such, are not.
    """
    if hasattr(value, "convert") and hasattr(value, "mode"):
        return True
    shape = tuple(getattr(value, "shape", ()))
    if not hasattr(value, "__array__") or hasattr(value, "columns"):
        return False
    return len(shape) == 2 or (len(shape) == 3 and (shape[2] in (1, 3, 4) or (shape[0] == 3 and not is_grey)))
