"""The inputs of a network: a column of files each, a column of texts each, and all numbers and categories as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np
import polars as pl

from penjing.core import plugins
from penjing.core.cache import CachedColumn, CachedThumbnails
from penjing.core.table import Column
from penjing.modalities.image.rim import is_rim
from penjing.tasks._floor import features as floor

TABLE = "table"  # the modality of all columns of numbers and categories together
CHUNK = 4096  # items in memory at once while preprocessing is learned
# What the floor learns from: dense numbers, or a sparse matrix of counts (scipy's csr_matrix).
Features = Any


class Values(Protocol):
    """Items as batches are cut from them."""

    def take(self, index: np.ndarray) -> np.ndarray: ...


class Slot(Protocol):
    """One input of a network."""

    @property
    def name(self) -> str:
        """What it is called in a batch, a recipe and a report."""
        ...

    @property
    def modality(self) -> str:
        """The plug-in that says what it is."""
        ...

    @property
    def columns(self) -> tuple[Column, ...]:
        """The data's columns it is made of."""
        ...

    @property
    def present(self) -> np.ndarray | None:
        """Bool[rows], whether each row has a value; None where all have."""
        ...

    @property
    def settings(self) -> dict[str, Any]:
        """How its values are decoded, as JSON values."""
        ...

    def learn(self, rows: np.ndarray) -> dict[str, Any]:
        """The preprocessing learned from some rows, which must be training rows."""
        ...

    def values(self, learned: Mapping[str, Any]) -> Values:
        """Every row as batches are cut from it."""
        ...

    def item_shape(self, learned: Mapping[str, Any]) -> tuple[int, ...]:
        """Of one row of `values`."""
        ...

    def features(self, rows: np.ndarray, basis: np.ndarray) -> Features:
        """What simple models see of some rows: Float32[rows, features], or counts as a csr_matrix.

        Args:
            rows: which.
            basis: rows that are learned from, where features are learned.
        """
        ...


@dataclass(frozen=True)
class FileSlot:
    """A column of files, decoded into the cache; `hashes` are of each row's file, None where it has none.

    Where `border` is above 0, simple models do not see that share of each side of pictures, at either end.
    """

    name: str
    modality: str
    columns: tuple[Column, ...]
    decode: Any
    cached: CachedColumn | Gapped
    present: np.ndarray | None = None
    hashes: Sequence[str | None] = ()
    border: float = 0.0

    @property
    def settings(self) -> dict[str, Any]:
        return asdict(self.decode)

    def learn(self, rows: np.ndarray) -> dict[str, Any]:
        from penjing.training.engine import torch_half

        rows = rows if self.present is None else rows[self.present[rows]]
        chunks = (self.cached.take(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK))
        learned: dict[str, Any] = torch_half(self._plugin, "front_end").learn(chunks, self.decode)
        return learned

    def values(self, learned: Mapping[str, Any]) -> Values:  # noqa: ARG002 - what is cached is not learned
        return self.cached

    def item_shape(self, learned: Mapping[str, Any]) -> tuple[int, ...]:  # noqa: ARG002 - as above
        return tuple(self.cached.shape)

    def features(self, rows: np.ndarray, basis: np.ndarray) -> Features:  # noqa: ARG002 - nothing is learned here
        starts = range(0, max(1, len(rows)), CHUNK)
        found = [self._plugin.features(self._shown(rows[start : start + CHUNK])) for start in starts]
        return np.concatenate(found)

    def _shown(self, rows: np.ndarray) -> np.ndarray:
        """Some rows, pictures without the border that is to be hidden."""
        values = self.cached.take(rows)
        if not self.border:
            return values
        values = values.copy()
        _, height, width, _ = values.shape
        values[:, is_rim(height, width, self.border)] = 0
        return values

    @property
    def _plugin(self) -> Any:
        return plugins.load("modalities", self.modality)


@dataclass(frozen=True)
class TextSlot:
    """A column of texts; a missing one is an empty one."""

    name: str
    modality: str
    columns: tuple[Column, ...]
    cells: pl.Series  # clean ones
    present: np.ndarray | None = None
    wish: Mapping[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        return asdict(self._plugin.Settings(**self.wish))

    def learn(self, rows: np.ndarray) -> dict[str, Any]:
        learned: dict[str, Any] = self._plugin.learn(self.cells[rows.tolist()], self._plugin.Settings(**self.wish))
        return learned

    def values(self, learned: Mapping[str, Any]) -> Values:
        return Encoded(self._plugin.encode(self.cells, learned))

    def item_shape(self, learned: Mapping[str, Any]) -> tuple[int, ...]:
        return tuple(self._plugin.encode(self.cells[:1], learned).shape[1:])

    def features(self, rows: np.ndarray, basis: np.ndarray) -> Features:  # noqa: ARG002 - as above
        return self._plugin.features(self.cells[rows.tolist()])

    @property
    def _plugin(self) -> Any:
        return plugins.load("modalities", self.modality)


@dataclass(frozen=True)
class TableSlot:
    """All columns of numbers, categories, dates and booleans, side by side."""

    columns: tuple[Column, ...]
    cells: pl.DataFrame  # clean ones
    name: str = TABLE
    modality: str = TABLE
    present: np.ndarray | None = None
    _learned: dict[bytes, dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def settings(self) -> dict[str, Any]:
        return {}

    def narrowed(self, columns: Sequence[str]) -> TableSlot:
        """With these columns only; itself where there are no others, or none of these."""
        kept = tuple(column for column in self.columns if column.name in columns)
        if not kept or kept == self.columns:
            return self
        return TableSlot(kept, self.cells.select(column.name for column in kept), self.name, self.modality)

    def learn(self, rows: np.ndarray) -> dict[str, Any]:
        seen = self.cells[rows.tolist()]
        return {"columns": [_learned_column(column, seen[column.name]) for column in self.columns]}

    def values(self, learned: Mapping[str, Any]) -> Values:
        return Encoded(encode_table(self.cells, learned))

    def item_shape(self, learned: Mapping[str, Any]) -> tuple[int, ...]:
        return (len(learned["columns"]),)

    def features(self, rows: np.ndarray, basis: np.ndarray) -> Features:
        key = basis.tobytes()
        if key not in self._learned:
            self._learned.clear()
            self._learned[key] = self.learn(basis)
        encoded = encode_table(self.cells[rows.tolist()], self._learned[key])
        dense = plugins.load("modalities", TABLE).features(encoded, self._learned[key])
        codes = [place for place, one in enumerate(self._learned[key]["columns"]) if one["form"] == "category"]
        return floor.Features(dense, raw=encoded, categorical=tuple(codes))


class Gapped:
    """Cached items of rows some of which have none; a row without one is all zeros.

    Args:
        cached: the items of the rows that have one, in their order.
        present: Bool[rows], which rows those are.
    """

    def __init__(self, cached: CachedColumn, present: np.ndarray) -> None:
        self.shape, self.dtype = cached.shape, cached.dtype
        self._cached, self._present, self._place = cached, present, np.cumsum(present) - 1

    def __len__(self) -> int:
        return len(self._present)

    def take(self, index: np.ndarray) -> np.ndarray:
        """The items of some rows (integers)."""
        found = np.zeros((len(index), *self.shape), dtype=self.dtype)
        there = self._present[index]
        found[there] = self._cached.take(self._place[index[there]])
        return found

    def thumbnails(self) -> CachedThumbnails:
        """The small pictures of the rows that have one."""
        return self._cached.thumbnails()


class Encoded:
    """Items in memory, as batches are cut from them."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def take(self, index: np.ndarray) -> np.ndarray:
        return self._values[index]


def _learned_column(column: Column, cells: pl.Series) -> dict[str, Any]:
    modality = plugins.load("modalities", column.modality)
    learned = modality.learn(cells, modality.Settings(**column.settings))
    known = {"name": column.name, "modality": column.modality, "form": modality.FORM, "settings": dict(column.settings)}
    return {**known, **learned}


def encode_table(cells: pl.DataFrame, learned: Mapping[str, Any]) -> np.ndarray:
    """Float32[rows, columns]: clean cells as the front end of a table takes them."""
    encoded = [
        plugins.load("modalities", one["modality"]).encode(cells[one["name"]], one) for one in learned["columns"]
    ]
    return np.stack(encoded, axis=1).astype(np.float32, copy=False)


def clean(column: Column, cells: pl.Series) -> pl.Series:
    """The cells of a column that holds its values itself, as its modality understands them; null where missing."""
    modality = plugins.load("modalities", column.modality)
    found: pl.Series = (
        modality.clean(cells, modality.Settings(**column.settings)) if column.settings else modality.clean(cells)
    )
    return found.alias(column.name)


def kind_of(column: Column) -> str:
    """ "file" or "cell": where the column's values are."""
    return str(plugins.load("modalities", column.modality).KIND)


def narrowed(slots: Sequence[Slot], columns: Sequence[str]) -> tuple[Slot, ...]:
    """The inputs, of a table only the columns that are named; all of it where none of them is."""
    return tuple(slot.narrowed(columns) if isinstance(slot, TableSlot) else slot for slot in slots)


def grouped(columns: Sequence[Column]) -> Iterator[tuple[Column, ...]]:
    """The columns of each input: one alone, or all of those that `TABLE` joins, in the place of its first."""
    scalars = tuple(column for column in columns if is_scalar(column))
    for column in columns:
        if not is_scalar(column):
            yield (column,)
        elif column is scalars[0]:
            yield scalars


def table_name(columns: Sequence[Column]) -> str:
    """What the joined columns are called: "table", unless an input beside them is."""
    name, others = TABLE, {column.name for column in columns if not is_scalar(column)}
    while name in others:
        name += "_"
    return name


def is_scalar(column: Column) -> bool:
    """Whether a column's values are single numbers or categories."""
    return hasattr(plugins.load("modalities", column.modality), "FORM")
