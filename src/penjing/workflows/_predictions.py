"""What `predict` gives: one row an item, and the items that could not be read."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from penjing.core.errors import UsageError
from penjing.core.files import disk_error, write_atomically

FORMAT = 1  # of the JSON document
SUFFIXES = (".csv", ".json", ".parquet")
CLASS_PREFIX = "p_"
_DECIMALS = 6  # of a probability in a CSV
_SHOWN = 10  # rows in a notebook


@dataclass(frozen=True)
class Prediction:
    """One item's answer; as text "new/1.png: cat 0.93, unsure".

    Attributes:
        path: the item, as it was given.
        label: the class it is taken for.
        probability: of that class, 0 to 1.
        is_unsure: whether the network is too unsure to be relied upon, by a bound that validation set.
        is_unlike: whether the item is far from everything the network was trained on.
    """

    path: str
    label: str
    probability: float
    is_unsure: bool
    is_unlike: bool

    @property
    def remarks(self) -> list[str]:
        """What speaks against relying on it: "unsure", "unlike the training data", both or nothing."""
        words = {"unsure": self.is_unsure, "unlike the training data": self.is_unlike}
        return [word for word, holds in words.items() if holds]

    def __str__(self) -> str:
        return ", ".join([f"{self.path}: {self.label} {self.probability:.2f}", *self.remarks])

    def _repr_html_(self) -> str:
        return html.escape(str(self))


class Unreadable(NamedTuple):
    """An item without an answer, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Predictions:
    """The answers for all items, in the order they were given.

    Attributes:
        frame: one row an item: `path`, `prediction`, `unsure`, `unlike`, and a probability `p_<class>` for each class.
        classes: names, in the order of the probabilities.
        unreadable: items that could not be read.
    """

    frame: pl.DataFrame
    classes: tuple[str, ...]
    unreadable: tuple[Unreadable, ...] = ()

    def __len__(self) -> int:
        """How many items were answered."""
        return len(self.frame)

    def __getitem__(self, index: int) -> Prediction:
        return self._prediction(self.frame.row(index))

    def __iter__(self) -> Iterator[Prediction]:
        return map(self._prediction, self.frame.iter_rows())

    def _prediction(self, row: Sequence[Any]) -> Prediction:
        path, label, unsure, unlike, *probability = row
        return Prediction(path, label, probability[self.classes.index(label)], unsure, unlike)

    @property
    def probability(self) -> np.ndarray:
        """Float32[items, classes]."""
        return self.frame.select(f"{CLASS_PREFIX}{name}" for name in self.classes).to_numpy()

    @property
    def counts(self) -> dict[str, int]:
        """Class → how many items were taken for it, in the order of the classes."""
        found = dict(self.frame["prediction"].value_counts().iter_rows())
        return {name: int(found.get(name, 0)) for name in self.classes}

    @property
    def table(self) -> pl.DataFrame:
        """The frame; where items were unreadable, with a row for each at the end and the reason in `unreadable`."""
        if not self.unreadable:
            return self.frame
        bad = pl.DataFrame(
            {"path": [one.path for one in self.unreadable], "unreadable": [one.reason for one in self.unreadable]}
        )
        return pl.concat([self.frame, bad], how="diagonal")

    def lines(self) -> list[str]:
        """One line an item, for people."""
        return [str(one) for one in self]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values."""
        columns = [f"{CLASS_PREFIX}{name}" for name in self.classes]
        answers = [
            {
                **{name: row[name] for name in ("path", "prediction", "unsure", "unlike")},
                "probability": {name: row[column] for name, column in zip(self.classes, columns, strict=True)},
            }
            for row in self.frame.iter_rows(named=True)
        ]
        unreadable = [{"path": one.path, "reason": one.reason} for one in self.unreadable]
        return {
            "format": FORMAT,
            "classes": list(self.classes),
            "counts": self.counts,
            "predictions": answers,
            "unreadable": unreadable,
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
                self.table.write_csv(file, include_bom=True, float_precision=_DECIMALS)

    def __str__(self) -> str:
        counts = ", ".join(f"{name} {count:,}" for name, count in self.counts.items())
        remarks = [
            f"{count:,} {what}"
            for count, what in (
                (int(self.frame["unsure"].sum()), "unsure"),
                (int(self.frame["unlike"].sum()), "unlike the training data"),
                (len(self.unreadable), "unreadable"),
            )
            if count
        ]
        return f"{len(self):,} items: {counts}" + (f" ({', '.join(remarks)})" if remarks else "")

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in ("path", "prediction", "probability", ""))
        rows = "".join(map(_html_row, islice(self, _SHOWN)))
        more = f"<p>… and {len(self) - _SHOWN:,} more</p>" if len(self) > _SHOWN else ""
        return f"<b>{html.escape(str(self))}</b><table><tr>{head}</tr>{rows}</table>{more}"


def tabulate(
    names: Sequence[str],
    classes: Sequence[str],
    probability: np.ndarray,
    taken: np.ndarray,
    unsure: np.ndarray,
    unlike: np.ndarray,
) -> pl.DataFrame:
    """The frame of `Predictions`."""
    answers = {
        "path": pl.Series(names, dtype=pl.String),
        "prediction": pl.Series([classes[index] for index in taken], dtype=pl.String),
        "unsure": pl.Series(unsure, dtype=pl.Boolean),
        "unlike": pl.Series(unlike, dtype=pl.Boolean),
    }
    columns = {f"{CLASS_PREFIX}{name}": probability[:, index] for index, name in enumerate(classes)}
    return pl.DataFrame({**answers, **columns})


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


def _html_row(one: Prediction) -> str:
    cells = (one.path, one.label, f"{one.probability:.3f}", ", ".join(one.remarks))
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
