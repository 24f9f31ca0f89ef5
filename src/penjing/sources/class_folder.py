"""A folder with one folder of files for each class, with or without parts, or with a table.csv that names its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from penjing.core.table import Table
from penjing.sources._folders import open_layout, wanted_kind
from penjing.sources._from_table import open_table_file
from penjing.sources._listing import leave_out, readable, sort_out, walk
from penjing.sources._options import Options
from penjing.sources._samples import sample_files
from penjing.sources._stores import FolderStore
from penjing.sources._tables import TABLE_SUFFIXES, is_description


def looks_like(data: object) -> bool:
    """Whether it is a folder."""
    return isinstance(data, Path) and data.is_dir()


def open(data: Path, options: Options) -> Table:
    """The table of a folder of files.

    Raises:
        DataError: the folder cannot be read, holds no file of a known kind, or only one class.
        UsageError: an option names what is not there.
    """
    names = walk(data, options.ignore)
    actual = {readable(name): name for name in names}
    title = f"{data.resolve().name}/"
    kept, _ = leave_out(actual, options.ignore)
    described = _description(kept)
    if described and not options.target.startswith("folder:") and options.target != "none":
        said = [f"{described} describes the files"]
        return open_table_file(data / actual[described], options, title, "class_folder", said)
    listing = sort_out(actual, options.ignore, wanted_kind(options))
    store = FolderStore(data, {name: real for name, real in actual.items() if name != real})
    beside = sorted(name for name in actual if "/" not in name)
    tables = [str(data / name) for name in beside if Path(name).suffix.lower() in TABLE_SUFFIXES]
    return open_layout(listing, store, title, "class_folder", options, data, tables)


def _description(names: Sequence[str]) -> str | None:
    """The table.csv of a folder, or of the single folder that wraps all that is in it."""
    tops = {name.partition("/")[0] for name in names}
    wrapping = f"{tops.pop()}/" if len(tops) == 1 else ""
    return next((name for name in sorted(names) if is_description(name.removeprefix(wrapping))), None)


def sample(folder: Path) -> Path:
    """Two classes of three pictures."""
    for name, content in sample_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder
