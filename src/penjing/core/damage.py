"""What is wrong with the files of a run folder, looked at when something unforeseen happened with it."""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl

from penjing.core.errors import PenjingError
from penjing.core.recipe import Recipe

# What a file must hold for the rest of penjing to read it.
_KEYS = {"run.json": {"status", "data", "wish"}, "prepare.json": {"classes"}, "results.json": {"scores"}}


def damage(folder: Path) -> str | None:
    """The first damaged file of a run folder, in a sentence; None where every file is whole, or it is no run."""
    if not (folder / "run.json").is_file():
        return None
    for file in sorted(folder.iterdir()):
        try:
            _READERS.get(file.suffix, Path.stat)(file)
        except (OSError, ValueError, TypeError, pl.exceptions.PolarsError, PenjingError) as problem:
            reason = " ".join(str(problem).split())[:120]
            return f"{file} cannot be read ({reason}); the run folder is damaged: bring the file back, or fit anew"
    return None


def _read_json(file: Path) -> None:
    found = json.loads(file.read_text(encoding="utf-8"))
    missing = sorted(key for key in _KEYS.get(file.name, ()) if key not in found)
    if missing:
        raise ValueError(f"{', '.join(missing)} missing")


def _read_lines(file: Path) -> None:
    *whole, last = file.read_text(encoding="utf-8").split("\n")
    with contextlib.suppress(json.JSONDecodeError):  # a kill may have cut the last line
        whole.append(json.dumps(json.loads(last)))
    if not all(isinstance(json.loads(line), dict) for line in whole):
        raise ValueError("a line is no JSON object")


def _read_arrays(file: Path) -> None:
    if not zipfile.is_zipfile(file):
        raise ValueError("it is no archive of arrays")


_READERS: dict[str, Callable[[Path], object]] = {
    ".json": _read_json,
    ".jsonl": _read_lines,
    ".npz": _read_arrays,
    ".parquet": pl.read_parquet_schema,
    ".toml": Recipe.read,
}
