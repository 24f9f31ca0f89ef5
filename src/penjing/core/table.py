"""A data set is a table of *references* with typed columns. A folder of photos is a table with one image column.

The frame never holds decoded pictures or sound: an input cell is a short text that its column's `Store` can
read. Decoded values live in the cache (`core/cache.py`), addressed by content hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, get_args, runtime_checkable

import numpy as np
import polars as pl

Role = Literal["input", "target", "group", "time", "weight", "part"]
ROLES: tuple[str, ...] = get_args(Role)
PARTS = ("train", "valid", "confirm", "test", "excluded")


@runtime_checkable
class Store(Protocol):
    """Where the references of one column are read. Safe to call from several threads at once."""

    def read(self, reference: str) -> bytes | np.ndarray:
        """The raw content behind a reference: a file's bytes, or an array's row.

        Raises:
            DataError: the reference cannot be read; the message names it and says why.
        """
        ...

    def stamp(self, reference: str) -> tuple[int, int] | None:
        """(size in bytes, time of last change in ns) if that is cheap to know, else None.

        An unchanged stamp means unchanged content, so a second run need not read the file to know its hash.
        """
        ...

    def name(self, reference: str) -> str:
        """What to call this item before a person: the path as they would type it."""
        ...


@dataclass(frozen=True)
class Column:
    """One typed column.

    Attributes:
        name: its name in the frame.
        role: what it is for.
        modality: what its values are ("image", "category", "number", …), the name of a plug-in in `modalities/`.
        settings: how the modality should read its cells, where that was told from the whole column: {"decimal":
            "comma"}.
    """

    name: str
    role: Role
    modality: str
    settings: Mapping[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Table:
    """A data set before anything is decoded.

    Attributes:
        frame: one row per item, in an order that depends on nothing but the data.
        columns: the typed columns; any number of inputs and targets, no target is legal.
        stores: input column → where its references are read.
        title: what to call the data ("photos/").
        kind: the source plug-in that opened it ("class_folder").
        said: what was understood, in plain sentences, for people.
        doubts: what may have been misunderstood, in plain sentences with the option that settles it.
        hints: machine-readable extras of the source, e.g. {"group_pattern": r"mouse\\d+", "groups": 12}.
        row_numbers: of each row, which one it is in the table that a person has, from 1; () where none was left out.
    """

    frame: pl.DataFrame
    columns: tuple[Column, ...]
    stores: Mapping[str, Store]
    title: str
    kind: str
    said: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    hints: Mapping[str, object] = field(default_factory=dict)
    row_numbers: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.frame)

    def role(self, role: Role) -> tuple[Column, ...]:
        """The columns of one role, in order."""
        return tuple(column for column in self.columns if column.role == role)

    @property
    def inputs(self) -> tuple[Column, ...]:
        """The columns that a network may look at, in order."""
        return self.role("input")

    @property
    def target(self) -> Column | None:
        """The first target column, or None when the data have none."""
        targets = self.role("target")
        return targets[0] if targets else None

    @property
    def part(self) -> Column | None:
        """The column that holds a given split, or None."""
        parts = self.role("part")
        return parts[0] if parts else None

    @property
    def group(self) -> Column | None:
        """The column that says which items belong together and are never split, or None."""
        groups = self.role("group")
        return groups[0] if groups else None

    def rows(self, index: np.ndarray) -> Table:
        """The same table with only the rows at `index` (integers or booleans, one per row)."""
        index = np.asarray(index)
        picked = self.frame.filter(pl.Series(index)) if index.dtype == bool else self.frame[index.tolist()]
        numbers = tuple(np.asarray(self.row_numbers)[index].tolist()) if self.row_numbers else ()
        return replace(self, frame=picked, row_numbers=numbers)
