"""A given split from wherever `--split` says: the folders, a column, or a table of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from penjing.core.errors import DataError, UsageError
from penjing.sources._columns import find_roles, texts
from penjing.sources._options import Options
from penjing.sources._parts import parts_of
from penjing.sources._tables import read_table, without_empty_rows
from penjing.sources._words import many


def read_split(split: str, paths: Sequence[str], recognised: Sequence[str | None]) -> Sequence[str | None]:
    """The part of each item; None for one of which none is given.

    Args:
        split: `Options.split`.
        paths: the items' paths relative to the data.
        recognised: the parts that the layout gives.

    Raises:
        UsageError: `split` is neither a word nor a file.
        DataError: the file names no item, or a part that does not exist.
    """
    if split in ("", "folder"):
        return recognised
    if split == "none":
        return [None] * len(paths)
    file = Path(split).expanduser()
    if not file.is_file():
        raise UsageError(f'--split {split}: there is no such file or column; expected one, or "folder" or "none"')
    return _from_file(file, paths)


def _from_file(file: Path, paths: Sequence[str]) -> list[str | None]:
    frame, _, _ = without_empty_rows(read_table(file.read_bytes(), str(file))[0])
    part = find_roles(frame, Options(target="none"), str(file)).part
    if part is None:
        raise DataError(f'{file} has no column of parts; expected a column "part" with train, valid or test in it')
    parts = parts_of(texts(frame, part) or [], f'the column "{part}" of {file}')
    names = _names(frame.drop(part), set(paths), str(file))
    part_of_path = dict(zip(names, parts, strict=True))
    unknown = part_of_path.keys() - set(paths)
    if len(unknown) == len(part_of_path):
        raise DataError(f"{file} names no item of the data: it has {names[0]}, the data have {paths[0]}")
    if unknown:
        raise DataError(f"{file} names {many(len(unknown), 'item')} that the data do not have, such as {min(unknown)}")
    return [part_of_path.get(path) for path in paths]


def _names(frame: pl.DataFrame, paths: set[str], file: str) -> list[str]:
    """The cells of the column that names most items."""
    columns = [[str(cell).replace("\\", "/") for cell in texts(frame, name) or []] for name in frame.columns]
    if not columns:
        raise DataError(f"{file} has no column of paths; expected one that names the items as the data do")
    return max(columns, key=lambda cells: sum(cell in paths for cell in cells))
