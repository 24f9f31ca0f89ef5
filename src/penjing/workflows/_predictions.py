"""What `predict` gives: one row an item, and the items that could not be read."""

from __future__ import annotations

import html
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import polars as pl

from penjing.core.errors import UsageError
from penjing.core.files import disk_error, write_atomically

FORMAT = 1  # of the JSON document
SUFFIXES = (".csv", ".json", ".parquet")
_SHOWN = 10  # rows in a notebook


class Unreadable(NamedTuple):
    """An item without an answer, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Predictions(ABC):
    """The answers for all items, in the order they were given.

    Attributes:
        frame: one row an item: `path`, `prediction`, and what the task says of it.
        names: of the network's outputs: classes, labels, or the number that is predicted.
        unreadable: items that could not be read.
        places: where those stand among all items, in the order they were given; () puts them at the end.
        unknown_cells: column of categories → how many of its cells hold a value that training did not know.
    """

    frame: pl.DataFrame
    names: tuple[str, ...]
    unreadable: tuple[Unreadable, ...] = ()
    places: tuple[int, ...] = field(default=(), kw_only=True, repr=False)
    unknown_cells: Mapping[str, int] = field(default_factory=dict, kw_only=True)

    CELLS: ClassVar[tuple[str, ...]]  # the heads of a table in a notebook
    DECIMALS: ClassVar[int | None] = 6  # of what is no whole number in a CSV; None writes all that tell numbers apart

    def __len__(self) -> int:
        """How many items were answered."""
        return len(self.frame)

    def __getitem__(self, index: int) -> Any:
        return self._one(self.frame.row(index, named=True))

    def __iter__(self) -> Iterator[Any]:
        return map(self._one, self.frame.iter_rows(named=True))

    @abstractmethod
    def _one(self, row: dict[str, Any]) -> Any:
        """One item's answer, from its row of the frame."""

    @abstractmethod
    def _cells(self, row: dict[str, Any]) -> Sequence[str]:
        """One item's answer in a notebook, under `CELLS`."""

    @abstractmethod
    def _about(self) -> dict[str, Any]:
        """What the JSON document says before the single answers."""

    @abstractmethod
    def _answer(self, row: dict[str, Any]) -> dict[str, Any]:
        """One item's answer as JSON values."""

    @abstractmethod
    def summary(self) -> list[str]:
        """What all answers come to, in a few lines."""

    @property
    @abstractmethod
    def _in_short(self) -> str:
        """The same in one line."""

    @property
    def table(self) -> pl.DataFrame:
        """A row for each item in the order they were given; where some were unreadable, with the reason in
        `unreadable`."""
        if not self.unreadable:
            return self.frame
        bad = pl.DataFrame(
            {"path": [one.path for one in self.unreadable], "unreadable": [one.reason for one in self.unreadable]}
        )
        places = self._places
        answered = np.delete(np.arange(len(self) + len(bad)), places)
        return pl.concat([self.frame, bad], how="diagonal")[np.argsort(np.r_[answered, places])]

    @property
    def _places(self) -> Sequence[int]:
        """Where the unreadable items stand among all items."""
        return self.places or range(len(self), len(self) + len(self.unreadable))

    def lines(self) -> list[str]:
        """One line an item, for people."""
        return [str(one) for one in self]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            "format": FORMAT,
            **self._about(),
            "predictions": [self._answer(row) for row in self.frame.iter_rows(named=True)],
            "unreadable": [
                {"path": one.path, "reason": one.reason, "place": place}
                for one, place in zip(self.unreadable, self._places, strict=True)
            ],
            "unknown_cells": dict(self.unknown_cells),
        }

    def write(self, path: str | Path) -> Path:
        """Write a table, in the format that the name ends in: .csv (which Excel opens as it is), .json or .parquet.

        Raises:
            UsageError: the name ends in something else, or is that of a folder.
            RunError: the file cannot be written.
        """
        path = check_output(path)
        try:
            write_atomically(path, lambda temporary: self._write(temporary, path.suffix.lower()))
        except OSError as problem:
            raise disk_error(problem, path) from problem
        return path

    def _write(self, path: Path, suffix: str) -> None:
        with path.open("wb") as file:
            if suffix == ".json":
                text = json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)
                file.write(f"{text}\n".encode())
            elif suffix == ".parquet":
                self.table.write_parquet(file)
            else:
                # Without the mark, Excel reads UTF-8 as the country's own encoding.
                self.table.write_csv(file, include_bom=True, float_precision=self.DECIMALS)

    def __str__(self) -> str:
        remarks = [
            f"{count:,} {what}"
            for count, what in (
                (int(self.frame["unsure"].sum()) if "unsure" in self.frame.columns else 0, "unsure"),
                (int(self.frame["unlike"].sum()), "unlike the training data"),
                (len(self.unreadable), "unreadable"),
            )
            if count
        ]
        return f"{len(self):,} items: {self._in_short}" + (f" ({', '.join(remarks)})" if remarks else "")

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in (*self.CELLS, ""))
        rows = "".join(self._html_row(row) for row in islice(self.frame.iter_rows(named=True), _SHOWN))
        more = f"<p>… and {len(self) - _SHOWN:,} more</p>" if len(self) > _SHOWN else ""
        return f"<b>{html.escape(str(self))}</b><table><tr>{head}</tr>{rows}</table>{more}"

    def _html_row(self, row: dict[str, Any]) -> str:
        cells = (*self._cells(row), ", ".join(remarks(row.get("unsure", False), row["unlike"])))
        return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"


def remarks(is_unsure: bool, is_unlike: bool) -> list[str]:
    """What speaks against relying on an answer: "unsure", "unlike the training data", both or nothing."""
    words = {"unsure": is_unsure, "unlike the training data": is_unlike}
    return [word for word, holds in words.items() if holds]


def check_output(path: str | Path) -> Path:
    """The path of a file that predictions can be written to; ask before the work, not after it.

    Raises:
        UsageError: it does not end in one of `SUFFIXES`, or is a folder.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        raise UsageError(f"{path} is a folder; give the name of a file, such as {path / 'predictions.csv'}")
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path} must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    return path
