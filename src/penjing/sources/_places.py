"""Where the paths in a column start: the table's folder, an archive, or what `--files` says."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from penjing.core.errors import DataError, UsageError
from penjing.core.table import Store
from penjing.sources._listing import is_folder, is_litter, natural_key
from penjing.sources._stores import FolderStore, ZipStore

# So many rows are looked up to find the folder that the paths start from.
_LOOK = 50
_SPREAD = 1000  # paths from first to last that are looked for where none of those exists


@dataclass(frozen=True)
class Place:
    """Where files are.

    Attributes:
        store: reads them.
        exists: whether a reference can be read.
        prefixes: gives the folders that paths may start from, "" or "folder/", the likeliest first.
    """

    store: Store
    exists: Callable[[str], bool]
    prefixes: Callable[[], Sequence[str]]


def folder_place(root: Path) -> Place:
    """A folder, with the folders in it."""
    return Place(FolderStore(root), lambda path: os.path.isfile(root / path), lambda: _folders(root))  # noqa: PTH113


def current_place() -> Place:
    """The current folder, without those below."""
    return Place(FolderStore(Path()), os.path.isfile, lambda: [""])


def zip_place(store: ZipStore, folder: str = "") -> Place:
    """An archive; `folder` ("" or "folder/") is where its table lies."""

    def prefixes() -> list[str]:
        names = [name for name in store.members if not any(is_litter(part) for part in name.split("/"))]
        tops = sorted({name.split("/")[0] + "/" for name in names if "/" in name})
        below = [name for name in names if "/" in name[len(folder) :]]
        inner = sorted({f"{folder}{name[len(folder) :].split('/')[0]}/" for name in below})
        return [folder, "", *tops, *inner]

    return Place(store, store.members.__contains__, prefixes)


def given_place(column: str, path: str) -> Place:
    """What `--files COLUMN=PATH` says.

    Raises:
        UsageError: there is no such folder or zip.
        DataError: the zip is damaged.
    """
    place = Path(path).expanduser()
    if place.is_dir():
        return folder_place(place)
    if place.is_file() and place.suffix.lower() == ".zip":
        return zip_place(ZipStore(place))
    raise UsageError(f"--files {column}={path}: there is no such folder or .zip; name where the paths start from")


def find_prefix(paths: Sequence[str], place: Place, title: str, hint: str = "") -> str:
    """The folder that most of the first paths exist from, or, where none of those exists, of a spread of all paths; the
    first of equals.

    Raises:
        DataError: none of them exists; `hint` is added to the message.
    """
    looked = paths[:_LOOK]
    prefixes = list(place.prefixes())
    best, most = _most_exist(looked, place, prefixes)
    if not most and len(paths) > len(looked):
        # As many looks as a thousand paths from one folder take, however many folders there are.
        some = max(_LOOK, _SPREAD // max(1, len(prefixes)))
        best, most = _most_exist(paths[:: -(-len(paths) // some)], place, prefixes)
    if not most and looked:
        raise DataError(
            f"{title} names {looked[0]}, and there is no such file; "
            f"Paths are read from the folder of the table, or from a folder beside it{hint}"
        )
    return best


def _most_exist(paths: Sequence[str], place: Place, prefixes: Sequence[str]) -> tuple[str, int]:
    """The folder that most of some paths exist from, and how many."""
    best, most = "", 0
    for prefix in prefixes:
        hits = sum(1 for path in paths if place.exists(prefix + path))
        if hits > most:
            best, most = prefix, hits
        if most == len(paths):
            break
    return best, most


def _folders(root: Path) -> list[str]:
    with os.scandir(root) as entries:
        beside = [entry.name + "/" for entry in entries if is_folder(entry) and not is_litter(entry.name)]
    return ["", *sorted(beside, key=natural_key)]
