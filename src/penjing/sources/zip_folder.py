"""A .zip of class folders, read without unpacking it; a table inside that names the pictures goes first."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

import polars as pl

from penjing.core.errors import DataError, UsageError
from penjing.core.table import Table
from penjing.sources._columns import recognise
from penjing.sources._finish import Found
from penjing.sources._from_table import open_paths
from penjing.sources._listing import is_litter, sort_out
from penjing.sources._options import Options
from penjing.sources._pictures import open_layout
from penjing.sources._samples import sample_files
from penjing.sources._stores import ZipStore
from penjing.sources._tables import TABLE_SUFFIXES, read_table


def looks_like(data: object) -> bool:
    """Whether it is a file named .zip."""
    return isinstance(data, Path) and data.suffix.lower() == ".zip" and data.is_file()


def open(data: Path, options: Options) -> Table:
    """The table of an archive.

    Raises:
        DataError: it is not a zip archive, is damaged, holds no picture, or only one class.
        UsageError: an option names what is not there.
    """
    store = ZipStore(data)
    names = [name for name in store.members if not any(is_litter(part) for part in name.split("/"))]
    described = _table_inside(store, names, options)
    if described is None:
        return open_layout(sort_out(names, options.ignore), store, data.name, "zip_folder", options, data)
    member, frame = described
    found = Found([], store, data.name, "zip_folder", said=[f"{member} in the archive describes the pictures"])
    found.hints["path"] = str(data)
    tops = sorted({name.split("/")[0] + "/" for name in names if "/" in name})
    inner = sorted({f"{_folder(member)}{name[len(_folder(member)) :].split('/')[0]}/" for name in names})
    return open_paths(frame, options, found, store.members.__contains__, [_folder(member), "", *tops, *inner])


def _folder(member: str) -> str:
    """The folder of a member, "" or ending in a slash."""
    return member.rpartition("/")[0] + "/" if "/" in member else ""


def _table_inside(store: ZipStore, names: list[str], options: Options) -> tuple[str, pl.DataFrame] | None:
    """The first table, the nearest to the top, that has a column of paths and one of labels; None without one."""
    if options.target.startswith("folder:") or options.target == "none":
        return None
    tables = [name for name in names if PurePosixPath(name).suffix.lower() in TABLE_SUFFIXES]
    for member in sorted(tables, key=lambda name: (name.count("/"), name)):
        try:
            frame, _ = read_table(store.read(member), member)
            roles, _, _ = recognise(frame, options, member)
        except (DataError, UsageError):  # some other table, such as a price list
            continue
        if roles.label is not None and frame[roles.picture].dtype == pl.String:
            return member, frame
    return None


def sample(folder: Path) -> Path:
    """An archive of two classes."""
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        for name, content in sample_files().items():
            archive.writestr(name, content)
    return folder / "photos.zip"
