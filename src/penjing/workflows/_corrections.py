"""Labels that a person corrected: read from their file by name, kept in the recipe by content."""

from __future__ import annotations

import contextlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from penjing.core.errors import DataError, UsageError, did_you_mean
from penjing.core.table import Table
from penjing.sources._columns import texts
from penjing.sources._tables import read_table
from penjing.sources._words import many

DROP = "drop"  # the label that leaves an item out
SEPARATOR = "|"  # between several labels of one item; by itself it says that the item has none


@dataclass(frozen=True)
class Corrections:
    """Items that are left out, and items that are taken for another class than the data say.

    A key is an item's hash, which means every copy of it outside a given test part; or "HASH#2" for the second item of
    that content, where a person treated copies differently (of two copies under two classes only one is wrong) or
    named an item of a given test part.

    Attributes:
        drop: keys of items left out.
        relabel: key → the class the item is taken to be.
    """

    drop: tuple[str, ...] = ()
    relabel: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.drop) + len(self.relabel)

    def __str__(self) -> str:
        return f"corrections: {many(len(self.relabel), 'label')} changed, {many(len(self.drop), 'item')} left out"

    def rows(self, hashes: Sequence[str | None], is_sealed: np.ndarray | None = None) -> dict[int, str | None]:
        """Row → the class it is taken to be, or None to leave it out."""
        wanted: dict[str, str | None] = {**self.relabel, **dict.fromkeys(self.drop)}
        if not wanted:
            return {}
        keys = ((row, key) for row, *both in _keys(hashes, is_sealed) for key in both)
        return {row: wanted[key] for row, key in keys if key in wanted}


def _keys(hashes: Sequence[str | None], is_sealed: np.ndarray | None) -> Iterator[tuple[int, str, str]]:
    """Each readable row with the key of all copies of its content ("" in a given test part) and that of itself."""
    count: dict[str, int] = defaultdict(int)
    for row, text in enumerate(hashes):
        if text is not None:
            count[text] += 1
            yield row, "" if is_sealed is not None and is_sealed[row] else text, f"{text}#{count[text]}"


def by_content(
    rows: Mapping[int, str | None], hashes: Sequence[str | None], is_sealed: np.ndarray | None = None
) -> Corrections:
    """The corrections that mean these rows (row → class, or None to leave it out), and no others."""
    if not rows:
        return Corrections()
    copies: dict[str, list[int]] = defaultdict(list)
    keys = list(_keys(hashes, is_sealed))
    for row, shared, _ in keys:
        copies[shared].append(row)
    untouched = ""  # no class has this name
    alike = {key: len({rows.get(row, untouched) for row in members}) == 1 for key, members in copies.items() if key}
    found = {shared if alike.get(shared) else own: rows[row] for row, shared, own in keys if row in rows}
    relabel = {key: label for key, label in found.items() if label is not None}
    return Corrections(tuple(key for key in found if key not in relabel), relabel)


def of_rows(
    found: Corrections,
    known: Corrections,
    rows: Sequence[int],
    hashes: Sequence[str | None],
    is_sealed: np.ndarray | None = None,
) -> Corrections:
    """Corrections that mean what the known ones mean, and of what was found beside them these rows alone: a copy of
    such an item in another part stays as it is.

    Args:
        found: the known ones and others.
        known: those that a person made.
        rows: that the others are about.
        hashes: of all rows.
        is_sealed: which rows are in a given test part.
    """
    drop = tuple(key for key in found.drop if key not in known.drop)
    relabel = {key: name for key, name in found.relabel.items() if known.relabel.get(key) != name}
    wanted = Corrections(drop, relabel).rows(hashes, is_sealed)
    if not wanted:
        return found
    meant = {row: wanted[row] for row in rows if row in wanted}
    return by_content({**known.rows(hashes, is_sealed), **meant}, hashes, is_sealed)


def settle(
    file: str,
    known: Corrections,
    table: Table,
    names: Sequence[Sequence[str]],
    hashes: Sequence[str | None],
    is_sealed: np.ndarray | None = None,
) -> Corrections:
    """The corrections known already with those of a person's file on top; where both speak of an item, the file holds.

    Args:
        file: the CSV's path, or "" for none.
        known: from a recipe or an earlier run.
        names: of the table's rows, as a file may call them; what an earlier one of these lists calls a row goes first.
        hashes: of the table's rows; None where an item cannot be read.
        is_sealed: which rows are in a given test part.

    Raises:
        UsageError: there is no such file.
        DataError: it is no such table, or names items or classes that the data do not have.
    """
    rows = known.rows(hashes, is_sealed)
    rows.update(read(file, table, names) if file else {})
    labels = _labels(table)
    changed = {row: label for row, label in rows.items() if label is None or label != labels[row]}
    return by_content(changed, hashes, is_sealed)


def _rows_of(names: Sequence[Sequence[str]]) -> dict[str, int]:
    """Name → row; a name that a list gives to several rows means none of them there."""
    found: dict[str, int] = {}
    for listed in reversed(names):
        count = Counter(listed)
        found |= {name: row for row, name in enumerate(listed) if count[name] == 1}
    return found


def read(file: str, table: Table, names: Sequence[Sequence[str]]) -> dict[int, str | None]:
    """Row → class (None: leave out), from the file that `inspect --suspects` or `report --figures` wrote and a person
    edited.

    Raises:
        UsageError, DataError: as `settle`.
    """
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"there is no corrections file {path}")
    # A spreadsheet saves it in another encoding, with other separators, with blanks: as of any table, none matters.
    rows, _ = read_table(path.read_bytes(), str(path), may_be_empty=True)
    if not {"path", "label"} <= set(rows.columns):
        raise DataError(f'{path} has columns {", ".join(rows.columns)}; it needs "path" and "label"')
    # By name and not by content: of two copies under two classes only one is wrong.
    row_of = _rows_of([[name.strip() for name in listed] for listed in names])
    found: dict[int, str | None] = {}
    known, present = _known(table), _labels(table)
    for name, label in zip(texts(rows, "path") or [], texts(rows, "label") or [], strict=True):
        if name is None and label is None:
            continue  # a row that a spreadsheet left empty
        if name not in row_of:
            raise DataError(
                f'{path} names "{name}", which is not in the data; paths must be as `inspect --suspects` or '
                "`report --figures` wrote"
            )
        row = row_of[name]
        if label is None:
            continue
        is_as_written = label == present[row]  # a class may be called as `DROP`
        if not is_as_written and label != DROP:
            _check(label, name, known, table, path)
        found[row] = label if is_as_written or label != DROP else None
    return found


def _known(table: Table) -> set[str]:
    """The classes or labels that the data have."""
    found = pl.Series(_labels(table), dtype=pl.String).drop_nulls()
    listed = table.target is not None and isinstance(table.frame[table.target.name].dtype, pl.List)
    return {part for cell in found.to_list() for part in (_parts(cell) if listed else [cell])}


def _check(label: str, name: str, known: set[str], table: Table, path: Path) -> None:
    """Refuse what the target cannot be."""
    assert table.target is not None, "what has no target has no label to correct"
    kind = table.frame[table.target.name].dtype
    if kind.is_numeric():
        if _number(label) is None:
            raise DataError(f'{path} gives {name} the value "{label}", which is no number')
        return
    word = "label" if isinstance(kind, pl.List) else "class"
    for one in _parts(label) if isinstance(kind, pl.List) else [label]:
        if one not in known:
            raise DataError(
                f'{path} gives {name} the {word} "{one}", which the data do not have; {did_you_mean(one, known)}'
            )


def as_cell(cells: pl.Series, label: str) -> object:
    """A corrected label as the target's cells hold it: a class, a number, or a list of labels."""
    if isinstance(cells.dtype, pl.List):
        return _parts(label)
    return _number(label) if cells.dtype.is_numeric() else label


def _parts(label: str) -> list[str]:
    """The labels in a text such as "a|b"; "|" holds none."""
    return sorted({one.strip() for one in label.replace(";", SEPARATOR).split(SEPARATOR)} - {""})


def _number(text: str) -> float | None:
    with contextlib.suppress(ValueError):
        if math.isfinite(value := float(text)):
            return value
    return None


def _labels(table: Table) -> list[str | None]:
    """Each row's label as the data have it."""
    if table.target is None:
        return [None] * len(table)
    cells = table.frame[table.target.name]
    if isinstance(cells.dtype, pl.List):  # several labels an item
        # A text without any label would look as if nothing were known.
        joined = cells.list.join(SEPARATOR)
        cells = joined.replace("", SEPARATOR)
    return cells.cast(pl.String).to_list()
