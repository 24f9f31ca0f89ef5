"""A CSV, TSV, Parquet or Excel file with a column of paths (or, in Parquet, of pictures) and a column of labels."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

from penjing.core.errors import DataError
from penjing.core.table import Table
from penjing.sources._columns import recognise
from penjing.sources._finish import Found
from penjing.sources._from_table import open_cells, open_paths
from penjing.sources._listing import is_litter, natural_key
from penjing.sources._options import Options
from penjing.sources._samples import sample_files
from penjing.sources._stores import FolderStore
from penjing.sources._tables import TABLE_SUFFIXES, read_table


def looks_like(data: object) -> bool:
    """Whether it is a file with the extension of a table."""
    return isinstance(data, Path) and data.suffix.lower() in TABLE_SUFFIXES and data.is_file()


def open(data: Path, options: Options) -> Table:
    """The table of a table file; paths are relative to the file's folder or to a folder beside it.

    Raises:
        DataError: the file cannot be read as a table, or no picture it names exists.
        UsageError: an option names what is not there, or the columns are not clear.
        MissingExtra: a spreadsheet, and the package that reads it is not installed.
    """
    try:
        content = data.read_bytes()
    except OSError as problem:
        raise DataError(f"{data} cannot be read: {problem.strerror or problem}") from problem
    frame, said = read_table(content, str(data))
    roles, _, _ = recognise(frame, options, data.name)
    if frame[roles.picture].dtype != pl.String:
        return open_cells(frame, options, data.name, "table_file")
    root = data.parent
    found = Found([], FolderStore(root), data.name, "table_file", said=said, hints={"path": str(data)})
    return open_paths(frame, options, found, lambda path: os.path.isfile(root / path), _prefixes(root))  # noqa: PTH113


def _prefixes(root: Path) -> list[str]:
    with os.scandir(root) as entries:
        beside = [entry.name + "/" for entry in entries if entry.is_dir() and not is_litter(entry.name)]
    return ["", *sorted(beside, key=natural_key)]


def sample(folder: Path) -> Path:
    """A CSV beside two folders of pictures."""
    lines = ["path,label"]
    for name, content in sample_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        lines.append(f"{name},{name.split('/')[0]}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "labels.csv"
