"""A given split from wherever `--split` says: the folders, a column, or a table of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from penjing.core.errors import DataError, UsageError
from penjing.sources._columns import recognise, texts
from penjing.sources._options import Options
from penjing.sources._parts import parts_of
from penjing.sources._tables import read_table
from penjing.sources._words import many


def read_split(split: str, paths: Sequence[str], recognised: Sequence[str | None]) -> Sequence[str | None]:
    """The part of each item; None for one that is to be dealt.

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
    frame, _ = read_table(file.read_bytes(), str(file))
    roles, _, _ = recognise(frame, Options(target="none"), str(file))
    if roles.part is None:
        raise DataError(f'{file} has no column of parts; expected a column "part" with train, valid or test in it')
    parts = parts_of(texts(frame, roles.part) or [], f'the column "{roles.part}" of {file}')
    names = [str(name).replace("\\", "/") for name in texts(frame, roles.picture) or []]
    part_of_path = dict(zip(names, parts, strict=True))
    unknown = part_of_path.keys() - set(paths)
    if len(unknown) == len(part_of_path):
        raise DataError(f"{file} names no item of the data: it has {names[0]}, the data have {paths[0]}")
    if unknown:
        raise DataError(f"{file} names {many(len(unknown), 'item')} that the data do not have, such as {min(unknown)}")
    return [part_of_path.get(path) for path in paths]
