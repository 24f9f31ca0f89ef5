"""A CSV, TSV, Parquet or Excel file: columns of paths, texts, numbers, categories, dates, and one to be predicted."""

from __future__ import annotations

from pathlib import Path

from penjing.core.table import Table
from penjing.sources._from_table import open_table_file
from penjing.sources._options import Options
from penjing.sources._samples import sample_files
from penjing.sources._tables import is_table


def looks_like(data: object) -> bool:
    """Whether it is a file with the extension of a table."""
    return isinstance(data, Path) and is_table(data.name) and data.is_file()


def open(data: Path, options: Options) -> Table:
    """The table of a table file; paths are relative to the file's folder or to a folder beside it.

    Raises:
        DataError: the file cannot be read as a table, or no file it names exists.
        UsageError: an option names what is not there, or the columns are not clear.
        MissingExtra: a spreadsheet, and the package that reads it is not installed.
    """
    return open_table_file(data, options, data.name, "table_file")


def sample(folder: Path) -> Path:
    """A CSV beside two folders of pictures."""
    lines = ["path,label"]
    for name, content in sample_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        lines.append(f"{name},{name.split('/')[0]}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "labels.csv"
