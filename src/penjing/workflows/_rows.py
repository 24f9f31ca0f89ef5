"""Rows of any table with the columns that a run looks at, found by name; a column that is not there is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from penjing.core import plugins
from penjing.core.errors import DataError, UsageError, did_you_mean
from penjing.core.events import Said, Watch, tell
from penjing.core.table import Column, Store
from penjing.sources._media import modality_of, noun
from penjing.sources._places import Place
from penjing.sources._references import refer
from penjing.workflows._load import Input
from penjing.workflows._slots import kind_of

TEXT = "text"
_LOOK = 1000  # cells that are looked at to find a column by what it holds
_LIKELY = 0.5  # share of them that must look like it
_LISTED = 10  # columns named in a message


@dataclass(frozen=True)
class Wanted:
    """What a run looks at, and how a person wants it found.

    Attributes:
        inputs: of the run's network.
        column: the column of a table that holds the only input; "" recognises it.
        ignore: patterns of files to pass over.
    """

    inputs: tuple[Input, ...]
    column: str = ""
    ignore: tuple[str, ...] = ()

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Every column of the data that the run looks at, by name."""
        return {column.name: column for one in self.inputs for column in one.columns}

    @cached_property
    def only(self) -> Column | None:
        """The one column where an item is one file or one text; else None, and items are rows of a table."""
        (first, *others) = self.columns.values()
        return first if not others and (kind_of(first) == "file" or first.modality == TEXT) else None

    @property
    def is_of_texts(self) -> bool:
        """Whether an item is one text."""
        return self.only is not None and self.only.modality == TEXT

    def __str__(self) -> str:
        listed = [f'"{column.name}" ({column.modality})' for column in self.columns.values()]
        return ", ".join(listed[:_LISTED]) + (f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else "")


@dataclass(frozen=True)
class Source:
    """Items that are read from one place.

    Attributes:
        cells: those of the run's columns that are there: references of files, or values.
        stores: column of files → where its references are read.
        names: what items are called; None calls them as the store of their only column does.
        errors: row → why it cannot be read, where that is known already.
    """

    cells: pl.DataFrame
    stores: Mapping[str, Store] = field(default_factory=dict)
    names: Sequence[str] | None = None
    errors: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.cells)


def rows_of(
    frame: pl.DataFrame, wanted: Wanted, place: Place, title: str, prefix: str = "", watch: Watch = None
) -> Source:
    """The rows of a table, in their order.

    Args:
        frame: text, bytes or arrays, as `read_table` gives them.
        wanted: the columns that are looked for.
        place: where its paths start.
        title: what to call the table in messages.
        prefix: stands before the names of rows, to tell tables apart.
        watch: hears which columns are missing.

    Raises:
        UsageError: no column is there, or it is not clear which one is meant.
        DataError: none of the files of a column exists, or a column holds what is no value of its kind.
    """
    cells: dict[str, pl.Series] = {}
    stores: dict[str, Store] = {}
    series = {one.name: one for one in frame.get_columns()}  # a frame looks through all of its columns for one
    for name, given in _matched(frame, wanted, title, watch).items():
        column = wanted.columns[name]
        found = series[given].alias(name)
        if kind_of(column) == "file":
            read = refer(found, column.modality, place, title)
            cells[name], stores[name] = read.cells, read.store
        else:
            _check_values(found, column, title)
            cells[name] = found
    table = pl.DataFrame(cells)
    names = None if wanted.only is not None and stores else _names(table, stores, prefix)
    return Source(table, stores, names)


# ---- which column is which


def _matched(frame: pl.DataFrame, wanted: Wanted, title: str, watch: Watch) -> dict[str, str]:
    """The run's column → the table's, for those that are there; the missing ones are said."""
    if wanted.only is not None:
        return {wanted.only.name: _only(frame, wanted.only, wanted.column, title)}
    known = set(frame.columns)
    there = {name: name for name in wanted.columns if name in known}
    if not there:
        name = next(iter(wanted.columns))
        raise UsageError(
            f"{title} has none of the columns that this run looks at: {wanted}. "
            f'For "{name}": {did_you_mean(name, frame.columns)}'
        )
    missing = [name for name in wanted.columns if name not in there]
    if missing:
        tell(watch, Said(_treated_as_missing(missing, frame, title)))
    return there


def _treated_as_missing(missing: Sequence[str], frame: pl.DataFrame, title: str) -> str:
    listed = ", ".join(f'"{name}"' for name in missing[:_LISTED]) + (" …" if len(missing) > _LISTED else "")
    names = frame.columns
    near = ((name, did_you_mean(name, names)) for name in missing[:_LISTED])  # each is held against every column
    hint = next((f'; for "{name}" {hint}' for name, hint in near if hint.startswith("did")), "")
    return f"{title} has no column {listed}: treated as missing{hint}"


def _only(frame: pl.DataFrame, column: Column, asked: str, title: str) -> str:
    """The table's column that holds the only input: as asked, of its name, or the only one that looks like it.

    Raises:
        UsageError: there is none, or several.
    """
    if asked:
        if asked not in frame.columns:
            raise UsageError(f'{title} has no column "{asked}"; {did_you_mean(asked, frame.columns)}')
        return asked
    if column.name in frame.columns and column.modality == TEXT:
        return column.name
    alike = [name for name in frame.columns if _looks_like(frame[name], column.modality)]
    if column.name in alike:
        return column.name
    if not alike and len(frame.columns) == 1:
        return frame.columns[0]
    if len(alike) == 1:
        return alike[0]
    which = f"several columns with {noun(column.modality)}s" if alike else f"no column of {noun(column.modality)}s"
    raise UsageError(
        f"{title} has {which} ({', '.join(alike or frame.columns[:_LISTED])}); "
        f'name the one to be predicted "{column.name}"'
    )


def _looks_like(cells: pl.Series, modality: str) -> bool:
    if cells.dtype != pl.String:
        return modality != TEXT and (cells.dtype in (pl.Binary, pl.Object) or cells.dtype.is_nested())
    known = cells.drop_nulls().head(_LOOK).to_list()
    if modality == TEXT:
        return bool(plugins.load("modalities", TEXT).recognise(known) >= _LIKELY)
    return bool(known) and sum(modality_of(path) == modality for path in known) >= _LIKELY * len(known)


# ---- cells


def _check_values(cells: pl.Series, column: Column, title: str) -> None:
    if cells.dtype in (pl.Binary, pl.Object) or cells.dtype.is_nested():
        raise DataError(
            f'the column "{column.name}" of {title} holds lists, bytes or arrays; expected values of {column.modality}'
        )


def _names(cells: pl.DataFrame, stores: Mapping[str, Store], prefix: str) -> list[str]:
    """ "row 7", with the file in front where there is one."""
    numbers = [f"{prefix}row {row + 1}" for row in range(len(cells))]
    if not stores:
        return numbers
    column, store = next(iter(stores.items()))
    return [
        number if reference is None else f"{store.name(reference)} ({number})"
        for number, reference in zip(numbers, cells[column].to_list(), strict=True)
    ]
