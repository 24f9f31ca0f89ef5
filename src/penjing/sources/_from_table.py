"""A table whose rows describe pictures: of a file, of a member of an archive, of a frame in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import polars as pl

from penjing.core.errors import DataError
from penjing.core.table import Store, Table
from penjing.sources._columns import Roles, recognise, texts
from penjing.sources._finish import Found, finish
from penjing.sources._listing import leave_out, natural_key
from penjing.sources._options import Options
from penjing.sources._parts import parts_of
from penjing.sources._pixels import as_numpy, picture
from penjing.sources._splits import read_split
from penjing.sources._stores import ArrayStore, BytesStore
from penjing.sources._words import many

# So many rows are looked up to find the folder that the paths start from.
_LOOK = 50


def open_paths(
    frame: pl.DataFrame,
    options: Options,
    found: Found,
    exists: Callable[[str], bool],
    prefixes: Iterable[str],
) -> Table:
    """The table of rows that hold paths.

    Args:
        frame: the cells, as `read_table` gives them.
        options: as given.
        found: store, title and kind; the rest is filled in here.
        exists: whether a reference can be read.
        prefixes: the folders that paths may start from, "" or "folder/", the likeliest first.

    Raises:
        DataError: no picture exists, or a cell of the split names no part.
        UsageError: the columns are not clear; see `recognise`.
    """
    roles, said, doubts = recognise(frame, options, found.title)
    empty = frame[roles.picture].null_count()
    if empty:
        frame = frame.drop_nulls(roles.picture)
        doubts.append(f"{many(empty, 'row')} without a path left out")
    paths = [path.replace("\\", "/").removeprefix("./") for path in frame[roles.picture].to_list()]
    prefix = _prefix(paths, exists, prefixes, found.title)
    if prefix:
        said.append(f'Paths are read from the folder "{prefix.rstrip("/")}"')
    references = [prefix + path for path in paths]
    kept, idle_patterns = leave_out(references, options.ignore)
    doubts += [f"--ignore '{pattern}' matches no path" for pattern in idle_patterns]
    repeated = len(kept) - len(set(kept))
    if repeated:
        doubts.append(f"{many(repeated, 'row')} with a path that another row has too")
    # Not the order of the rows: a table that was shuffled describes the same data.
    wanted = set(kept)
    order = sorted(
        (row for row, name in enumerate(references) if name in wanted), key=lambda row: natural_key(references[row])
    )
    found.references = [references[row] for row in order]
    fill(found, frame[order], roles, options, said, doubts)
    return finish(found, options)


def open_cells(frame: pl.DataFrame, options: Options, title: str, kind: str) -> Table:
    """The table of rows that hold the pictures themselves, as bytes or arrays, in the order of the rows.

    Raises:
        DataError: a cell is not a picture.
        UsageError: the columns are not clear.
    """
    roles, said, doubts = recognise(frame, options, title)
    cells = frame[roles.picture].to_list()
    store: Store
    if frame[roles.picture].dtype == pl.Binary:
        store = BytesStore(cells, title)
    else:
        store = ArrayStore([_array(cell, f"{title}[{row}]") for row, cell in enumerate(cells)], title)
    found = Found([str(row) for row in range(len(frame))], store, title, kind)
    fill(found, frame, roles, options, said, doubts)
    return finish(found, options)


def fill(
    found: Found, frame: pl.DataFrame, roles: Roles, options: Options, said: Sequence[str], doubts: Sequence[str]
) -> None:
    """Put labels, parts and groups of the rows into `found`."""
    found.labels = texts(frame, roles.label)
    found.label_from = f'column "{roles.label}"'
    found.groups = texts(frame, roles.group)
    parts: Sequence[str | None] = [None] * len(frame)
    if roles.part is not None and options.split != "none":
        parts = parts_of(texts(frame, roles.part) or [], f'the column "{roles.part}" of {found.title}')
    found.parts = parts if options.split in frame.columns else read_split(options.split, found.references, parts)
    found.said += said
    found.doubts += doubts


def _prefix(paths: Sequence[str], exists: Callable[[str], bool], prefixes: Iterable[str], title: str) -> str:
    """The folder that most of the first paths exist from; the first of equals."""
    looked = paths[:_LOOK]
    best, most = "", 0
    for prefix in prefixes:
        hits = sum(1 for path in looked if exists(prefix + path))
        if hits > most:
            best, most = prefix, hits
        if most == len(looked):
            break
    if not most and looked:
        raise DataError(
            f"{title} names {looked[0]}, and there is no such file; "
            "Paths are read from the folder of the table, or from a folder beside it"
        )
    return best


def _array(cell: object, name: str) -> np.ndarray:
    try:
        return as_numpy(picture(np.asarray(cell) if isinstance(cell, list) else cell))
    except (DataError, ValueError) as problem:
        raise DataError(f"{name} is not a picture: {problem}") from problem
