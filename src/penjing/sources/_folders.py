"""Files in folders, of a disk or of an archive: from a listing to a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from penjing.core.errors import DataError, UsageError
from penjing.core.table import Store, Table
from penjing.sources._finish import Found, classes_of, finish, found_files
from penjing.sources._layout import read_layout
from penjing.sources._listing import Listing, check_not_empty, remarks
from penjing.sources._media import TEXT, file_modalities
from penjing.sources._options import Options
from penjing.sources._splits import read_split
from penjing.sources._tables import decode_text


def wanted_kind(options: Options) -> str:
    """The kind of files that `--input` asks for, "" for the most frequent.

    Raises:
        UsageError: it is none.
    """
    kinds = (*file_modalities(), TEXT)
    if not options.inputs:
        return ""
    if len(options.inputs) > 1 or options.inputs[0] not in kinds:
        raise UsageError(
            f"--input {', '.join(options.inputs)}: folders have one input, image, or another kind of files: "
            f"{', '.join(kinds[1:])}"
        )
    return options.inputs[0]


def open_layout(
    listing: Listing,
    store: Store,
    title: str,
    kind: str,
    options: Options,
    path: Path,
    tables_beside: Sequence[str] = (),
) -> Table:
    """The table of a folder layout; `tables_beside` are offered where the folders give no classes.

    Raises:
        DataError: there is no file of a known kind, or only one class.
        UsageError: an option names what is not there, or a column.
    """
    check_not_empty(listing, str(path))
    _refuse_columns(options)
    layout = read_layout(listing.files, options, listing.modality)
    said, doubts = remarks(listing)
    found = found_files(layout.paths, store, listing.modality, title, kind)
    if listing.modality == TEXT:
        _read_texts(found, store)
    found.target = classes_of(layout.labels)
    found.label_from = "folder names"
    found.parts = read_split(options.split, layout.paths, layout.parts)
    found.tables_beside = tables_beside
    found.said += [*layout.said, *said]
    found.doubts += [*layout.doubts, *doubts]
    found.hints["path"] = str(path)
    return finish(found, options)


def _refuse_columns(options: Options) -> None:
    """Refuse what only a table has."""
    if options.group:
        raise UsageError(f"--group {options.group}: folders have no columns; use --group-from REGEX or folder:N")
    columns = [("--type", next(iter(options.types), "")), ("--files", next(iter(options.files), ""))]
    for option, name in [*columns, ("--time-column", options.time_column)]:
        if name:
            raise UsageError(f"{option} {name}: folders have no columns; give a table that names the files")


def _read_texts(found: Found, store: Store) -> None:
    """Put what the files say in the place of their names; a file that is no text becomes an empty cell."""
    cells, failed = [], []
    for name in found.paths:
        try:
            content = store.read(name)
            cells.append(decode_text(content if isinstance(content, bytes) else b"", name)[0].strip() or None)
        except DataError as problem:
            cells.append(None)
            failed.append(str(problem))
    if failed:
        found.doubts.append(f"{len(failed):,} of {len(cells):,} text files cannot be read: {failed[0]}")
    found.inputs = pl.DataFrame({TEXT: cells}, schema={TEXT: pl.String})
    found.stores = {}
