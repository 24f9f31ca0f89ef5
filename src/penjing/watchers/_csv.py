"""One row an evaluation, in a CSV file that any spreadsheet opens."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TextIO

from penjing.core.files import disk_error
from penjing.watchers._writer import Writer


class CsvWriter(Writer):
    """Writes each evaluation as a row: the step, then every value under its name.

    Args:
        path: the file; it is written anew. The columns are those of the first evaluation.

    Raises:
        RunError: the disk is full, or the file cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._names: list[str] = []
        self._file: TextIO | None = None

    def write(self, step: int, values: dict[str, float]) -> None:
        try:
            if self._file is None:
                self._open(list(values))
            assert self._file is not None
            csv.writer(self._file).writerow([step, *(values.get(name, "") for name in self._names)])
            self._file.flush()
        except OSError as problem:
            raise disk_error(problem, self.path) from problem

    def _open(self, names: list[str]) -> None:
        is_new = not self._names
        if is_new:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("w" if is_new else "a", newline="", encoding="utf-8")
        if is_new:
            self._names = names
            csv.writer(self._file).writerow(["step", *names])

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
