"""One row an evaluation, in a CSV file that any spreadsheet opens."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TextIO

from penjing.core.files import disk_error, write_atomically
from penjing.watchers._writer import Writer

TRAINING = "training"  # the column that tells trainings apart


class CsvWriter(Writer):
    """Writes each evaluation as a row: the step, then every value under its name.

    A name that comes later becomes a column of its own, empty in the rows before. From a second training on, the first
    column, `training`, says which one a row is of, counted from 1.

    Args:
        path: the file; it is written anew.

    Raises:
        RunError: the disk is full, or the file cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._names: list[str] = []
        self._file: TextIO | None = None

    def write(self, step: int, values: dict[str, float]) -> None:
        row = {"step": step, **values} if self.training == 1 else {TRAINING: self.training, "step": step, **values}
        try:
            self._make_room(list(row))
            if self._file is None:
                self._file = self.path.open("a", newline="", encoding="utf-8")
            csv.writer(self._file).writerow([row.get(name, "") for name in self._names])
            self._file.flush()
        except OSError as problem:
            raise disk_error(problem, self.path) from problem

    def _make_room(self, names: list[str]) -> None:
        """Give every name a column; where some are new, the file is written anew with them."""
        new = [name for name in names if name not in self._names]
        if not new:
            return
        rows = self._rows() if self._names else []
        self.close()
        self._names = [*(name for name in new if name == TRAINING), *self._names, *(n for n in new if n != TRAINING)]
        usual = {TRAINING: "1"}  # what was written before a second training is of the first
        lines = [[row.get(name, usual.get(name, "")) for name in self._names] for row in rows]
        if rows:
            write_atomically(self.path.resolve(), lambda temporary: _write(temporary, [self._names, *lines]))
        else:  # it may be a pipe, or a file in a folder that takes no other
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _write(self.path, [self._names])

    def _rows(self) -> list[dict[str, str]]:
        with self.path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _write(path: Path, lines: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)
