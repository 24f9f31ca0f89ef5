"""Pictures in folders, of a disk or of an archive: from a listing to a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from penjing.core.errors import UsageError
from penjing.core.table import Store, Table
from penjing.sources._finish import Found, finish
from penjing.sources._layout import read_layout
from penjing.sources._listing import Listing, check_not_empty, remarks
from penjing.sources._options import Options
from penjing.sources._splits import read_split


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
        DataError: there is no picture, or only one class.
        UsageError: an option names what is not there, or a column.
    """
    check_not_empty(listing, str(path))
    if options.group:
        raise UsageError(f"--group {options.group}: folders have no columns; use --group-from REGEX or folder:N")
    if any(name != "image" for name in options.inputs):
        raise UsageError(f"--input {', '.join(options.inputs)}: folders have one input, image")
    layout = read_layout(listing.images, options)
    said, doubts = remarks(listing)
    found = Found(
        layout.paths,
        store,
        title,
        kind,
        labels=layout.labels,
        label_from="folder names",
        parts=read_split(options.split, layout.paths, layout.parts),
        tables_beside=tables_beside,
        said=[*layout.said, *said],
        doubts=[*layout.doubts, *doubts],
        hints={"path": str(path)},
    )
    return finish(found, options)
