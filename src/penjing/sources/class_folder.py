"""A folder with one folder of pictures for each class, with or without train, valid and test folders."""

from __future__ import annotations

from pathlib import Path

from penjing.core.table import Table
from penjing.sources._listing import readable, sort_out, walk
from penjing.sources._options import Options
from penjing.sources._pictures import open_layout
from penjing.sources._samples import sample_files
from penjing.sources._stores import FolderStore
from penjing.sources._tables import TABLE_SUFFIXES


def looks_like(data: object) -> bool:
    """Whether it is a folder."""
    return isinstance(data, Path) and data.is_dir()


def open(data: Path, options: Options) -> Table:
    """The table of a folder of pictures.

    Raises:
        DataError: the folder cannot be read, holds no picture, or only one class.
        UsageError: an option names what is not there.
    """
    names = walk(data)
    actual = {readable(name): name for name in names}
    listing = sort_out(actual, options.ignore)
    store = FolderStore(data, {name: real for name, real in actual.items() if name != real})
    beside = sorted(name for name in actual if "/" not in name)
    tables = [str(data / name) for name in beside if Path(name).suffix.lower() in TABLE_SUFFIXES]
    return open_layout(listing, store, f"{data.resolve().name}/", "class_folder", options, data, tables)


def sample(folder: Path) -> Path:
    """Two classes of three pictures."""
    for name, content in sample_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder
