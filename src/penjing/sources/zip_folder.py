"""A .zip of class folders, read without unpacking it; a table inside that names the files goes first."""

from __future__ import annotations

import zipfile
from pathlib import Path

import polars as pl

from penjing.core.errors import DataError, MissingExtra, UsageError
from penjing.core.table import Table
from penjing.sources._columns import find_roles, told_by
from penjing.sources._folders import open_layout, wanted_kind
from penjing.sources._from_table import Opened, open_rows
from penjing.sources._listing import is_litter, leave_out, sort_out
from penjing.sources._media import TEXT_SUFFIXES, modality_of, plural, suffix
from penjing.sources._options import Options
from penjing.sources._places import zip_place
from penjing.sources._samples import sample_files
from penjing.sources._stores import ZipStore
from penjing.sources._tables import is_description, is_table, read_table


def looks_like(data: object) -> bool:
    """Whether it is a file named .zip."""
    return isinstance(data, Path) and data.suffix.lower() == ".zip" and data.is_file()


def open(data: Path, options: Options) -> Table:
    """The table of an archive.

    Raises:
        DataError: it is not a zip archive, is damaged, holds no file of a known kind, or only one class.
        UsageError: an option names what is not there.
    """
    store = ZipStore(data)
    names = [name for name in store.members if not any(is_litter(part) for part in name.split("/"))]
    described = _table_inside(store, leave_out(names, options.ignore)[0], options)
    if described is None:
        listing = sort_out(names, options.ignore, wanted_kind(options))
        return open_layout(listing, store, data.name, "zip_folder", options, data)
    member, frame, said = described
    opened = Opened(data.name, "zip_folder", member, [f"{member} in the archive describes the {_things(frame)}", *said])
    opened.hints["path"] = str(data)
    return open_rows(frame, options, opened, zip_place(store, _folder(member)))


def _things(frame: pl.DataFrame) -> str:
    """What the paths of a table are of: "pictures", or "items" where there are several kinds or none."""
    kinds = {kind for name in frame.columns for cell in frame[name].head(1) if (kind := modality_of(str(cell)))}
    return plural(kinds.pop()) if len(kinds) == 1 else "items"


def _folder(member: str) -> str:
    """The folder of a member, "" or ending in a slash."""
    return member.rpartition("/")[0] + "/" if "/" in member else ""


def _table_inside(store: ZipStore, names: list[str], options: Options) -> tuple[str, pl.DataFrame, list[str]] | None:
    """The first table, the nearest to the top, with a column of files and one of labels; None without one.

    A member named table.csv is meant to be read, so that its mistakes are told; so are those of any table where
    nothing else in the archive can be read.
    """
    if options.target.startswith("folder:") or options.target == "none":
        return None
    tables = [name for name in names if is_table(name)]
    has_files = any(modality_of(name) for name in names)
    has_texts = sum(suffix(name) in TEXT_SUFFIXES for name in names) > 1  # one alone is a note
    problem: Exception | None = None
    for member in sorted(tables, key=lambda name: (name.count("/"), name)):
        try:
            frame, said = read_table(store.read(member), member, told_by(options))
            roles = find_roles(frame, options, member)
        except (DataError, UsageError, MissingExtra) as found:  # of some other table, such as a price list
            if is_description(member.rpartition("/")[2]):
                raise
            problem = problem or found
            continue
        if roles.targets and roles.inputs and (roles.files or not has_files):
            return member, frame, said
    if problem is not None and not has_files and not has_texts:
        raise problem
    return None


def sample(folder: Path) -> Path:
    """An archive of two classes."""
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        for name, content in sample_files().items():
            archive.writestr(name, content)
    return folder / "photos.zip"
