"""A run: a recipe carried out, as a folder that holds everything it needs.

recipe.toml  run.json  record.jsonl  inputs.json  trials.jsonl  split.parquet  prepare.json
model.safetensors  checkpoint/  predictions.parquet  results.json  ledger.jsonl  pictures.npz  report.html  .lock
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from penjing.core.errors import RunError, did_you_mean
from penjing.core.files import append_line, read_lines, size_bytes, write_json, write_text
from penjing.core.hold import NAME as LOCK
from penjing.core.hold import held
from penjing.core.process import allocator, usable_cores
from penjing.core.recipe import Recipe, to_dict
from penjing.core.record import Record
from penjing.core.score import Score, is_higher_better

FORMAT = 1
RUNS = Path("runs")
MET = "inputs.json"  # what the network met: see `training._met`
TRIALS = "trials.jsonl"  # what experiments gave: see `core.record.Record`
HELD_OUT_FILE = "held_out.parquet"  # training items, answered by networks that did not learn from them


@dataclass(frozen=True)
class Run:
    """One run folder. Everything is read from the disk when it is asked for.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def recipe(self) -> Recipe:
        """What was carried out, every choice filled in; read from the folder at each call."""
        return Recipe.read(self.path / "recipe.toml")

    @property
    def info(self) -> dict[str, Any]:
        """The contents of `run.json`: kind, status, versions, machine, command, seal."""
        found = _read_json(self.path / "run.json")
        if "status" not in found:
            raise RunError(f"{self.path / 'run.json'} has no status; the run folder is damaged")
        return found

    @property
    def results(self) -> dict[str, Any]:
        """Classes, scores, temperature and thresholds; {} before the run has any."""
        path = self.path / "results.json"
        return _read_json(path) if path.exists() else {}

    @property
    def prepare(self) -> dict[str, Any]:
        """What stands before the network: its inputs, each with how it is decoded and what was learned, and the
        names of its outputs."""
        return _with_inputs(_read_json(self.path / "prepare.json"))

    @property
    def scores(self) -> list[Score]:
        """The network's scores on validation, the watched metric first."""
        found = [row for row in self.results.get("scores", []) if row["model"] == "network" and row["part"] != "test"]
        return [_score(row) for row in found]

    @property
    def floor(self) -> dict[str, Score]:
        """Baseline → its score in the watched metric."""
        found = self.results.get("scores", [])
        watched = self.results.get("chosen_by")
        rows = [row for row in found if row["metric"] == watched and row["part"] != "test"]
        return {row["model"]: _score(row) for row in rows if row["model"] != "network"}

    @property
    def steps(self) -> list[dict[str, Any]]:
        """One row per evaluation, oldest first."""
        return read_lines(self.path / "record.jsonl")

    @property
    def ledger(self) -> list[dict[str, Any]]:
        """Everything that was decided, oldest first."""
        return read_lines(self.path / "ledger.jsonl")

    @property
    def predictions(self) -> pl.DataFrame:
        """Validation items × models.

        Raises:
            RunError: the run has none yet.
        """
        path = self.path / "predictions.parquet"
        if not path.exists():
            raise RunError(f"{self.path} has no predictions; its status is {self.status}")
        return pl.read_parquet(path)

    @property
    def status(self) -> str:
        """ "running", "finished", "interrupted" or "failed"."""
        return str(self.info.get("status", "unknown"))

    @property
    def has_split(self) -> bool:
        """Whether the items were dealt already; training begins after it."""
        return (self.path / "split.parquet").exists()

    @property
    def has_predictions(self) -> bool:
        """Whether the answers on validation items were written, which is near the end of a run."""
        return (self.path / "predictions.parquet").exists()

    @property
    def has_weights(self) -> bool:
        """Whether a network was written, so that the run can predict; an interrupted run may have one."""
        return (self.path / "model.safetensors").exists()

    @property
    def record(self) -> Record:
        """What checks may read of it."""
        steps = pl.DataFrame(self.steps, infer_schema_length=None) if self.steps else None
        return Record(
            steps=steps,
            items=self._items(),
            trials=self._trials(),
            inputs=self._met(),
            choices=flat(to_dict(self.recipe)) if (self.path / "recipe.toml").exists() else None,
        )

    def _items(self) -> pl.DataFrame | None:
        """The answers on validation items and, where experiments gave them, on training items that were held out."""
        if not self.has_predictions:
            return None
        held_out = self.path / HELD_OUT_FILE
        further = [pl.read_parquet(held_out)] if held_out.exists() else []
        return pl.concat([self.predictions, *further], how="diagonal")  # an older run's answers name no group

    def _trials(self) -> pl.DataFrame | None:
        """What experiments gave, where the training itself is among it: everything is held against that."""
        rows = [row for row in read_lines(self.path / TRIALS) if {"experiment", "setting", "gain"} <= set(row)]
        return _frame(rows) if any(row["experiment"] == "itself" for row in rows) else None

    def _met(self) -> pl.DataFrame | None:
        """What the network met, each input with what it contributes."""
        path = self.path / MET
        if not path.exists():
            return None
        lost = {(one["input"], one["column"]): one for one in self.results.get("contributions") or ()}
        rows = _read_list(path)
        for row in rows:
            column = row.get("column") if row.get("modality") == "table" else None
            told = lost.get((row.get("input"), column), {}) if row.get("role") == "input" else {}
            # An older run's contributions have no interval.
            row.update(drop=told.get("drop"), drop_low=told.get("low"), drop_high=told.get("high"))
            row.update(drop_all=told.get("drop_all"), unit=told.get("unit"))
        return _frame(rows)

    @property
    def size_bytes(self) -> int:
        """The room that all files of the folder take."""
        return size_bytes(self.path)

    def note(self, what: str, choice: str, why: str, **evidence: Any) -> None:
        """Add a line to the ledger."""
        append_line(self.path / "ledger.jsonl", {"time": now(), "what": what, "choice": choice, "why": why, **evidence})

    def update(self, **changes: Any) -> None:
        """Change entries of `run.json`."""
        write_json(self.path / "run.json", {**self.info, **changes})

    def write_recipe(self, recipe: Recipe) -> None:
        """Put `recipe` in the place of the one that the folder holds."""
        write_text(self.path / "recipe.toml", recipe.to_toml())

    def __str__(self) -> str:
        found = f"{self.scores[0].metric} {self.scores[0]}" if self.scores else "no score yet"
        return f"Run {self.path} ({self.status}): {found}"

    def _repr_html_(self) -> str:
        # Drawing takes matplotlib, which a run that is only read never needs.
        from penjing.core.report import notebook_html

        return notebook_html(self.path)


def create(path: Path | None, title: str, facts: Mapping[str, Any], fill: Callable[[Run], object] | None = None) -> Run:
    """Make a run folder.

    Args:
        path: where; None takes the next free `runs/<title>-001`.
        title: what the data are called.
        facts: what `run.json` says of it beside the format, the status, the versions and the machine.
        fill: writes what else a run begins with. `run.json` comes last: what has one is a run that can go on.

    Raises:
        RunError: the folder exists and is not empty, or cannot be written.
    """
    folder = reserve(title) if path is None else path
    check_free(folder)
    _make(folder)
    if fill is not None:
        fill(Run(folder))
    known = {"format": FORMAT, "kind": "supervised", "status": "running", "created": now(), "title": title}
    write_json(folder / "run.json", {**known, "versions": versions(), "machine": machine(), **facts})
    return Run(folder)


@contextmanager
def begun(path: Path | None, title: str) -> Iterator[Path]:
    """The folder of a run that is about to be created, as `create` takes it, where no other process may write; unless a
    run came to be in it, nothing of it is left.

    Raises:
        RunError: as `create`, or another process has it.
    """
    folder = reserve(title) if path is None else path
    check_free(folder)
    is_new = path is None or not folder.exists()
    _make(folder)
    is_empty = False
    try:
        with held(folder):
            check_free(folder)  # now that no other process can take it
            try:
                yield folder
            except BaseException:
                if not (folder / "run.json").exists():
                    is_empty = True
                    _clear(folder)
                raise
    finally:
        if is_empty:
            with contextlib.suppress(OSError):  # another process may have it already
                (folder / LOCK).unlink()
                if is_new:
                    folder.rmdir()


def reserve(title: str) -> Path:
    """Make the next free `runs/<title>-001`: of several processes that ask at once each gets its own.

    Raises:
        RunError: it cannot be made.
    """
    while True:
        folder = next_free(title)
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError as problem:  # another process was first
            if not folder.parent.is_dir():  # a link to nowhere, which would be met again and again
                raise _not_made(folder, problem.strerror) from problem
        except OSError as problem:
            raise _not_made(folder, problem.strerror) from problem


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise _not_made(folder, problem.strerror) from problem


def _not_made(folder: Path, why: str | None) -> RunError:
    return RunError(f"cannot make the folder {folder}: {why}; choose another --out")


def _clear(folder: Path) -> None:
    """Remove what is in a folder, but for its lock."""
    for item in folder.iterdir():
        if item.is_dir() and not item.is_symlink():
            shutil.rmtree(item, ignore_errors=True)
        elif item.name != LOCK:
            with contextlib.suppress(OSError):
                item.unlink()


def check_free(folder: Path) -> None:
    """Whether a run may be written there.

    Raises:
        RunError: it exists and is not an empty folder, or cannot be looked into.
    """
    try:
        is_taken = folder.exists() and (not folder.is_dir() or any(item.name != LOCK for item in folder.iterdir()))
    except OSError as problem:
        raise RunError(f"cannot look into {folder}: {problem.strerror}; choose another --out") from problem
    if is_taken:
        raise RunError(f"{folder} exists already and is not empty; choose another --out or remove it")


def open_run(path: str | Path | Run) -> Run:
    """The run in a folder.

    Raises:
        RunError: there is no such folder, or it is not a run.
    """
    if isinstance(path, Run):
        return path
    folder = Path(path).expanduser()
    if not folder.is_dir():
        near = [str(run.path) for run in list_runs(folder.parent)] + [str(run.path) for run in list_runs(RUNS)]
        raise RunError(f"there is no run folder {folder}; {did_you_mean(str(folder), near)}")
    if not (folder / "run.json").is_file():
        raise RunError(f"{folder} is not a run: it has no run.json. `penjing runs` lists the runs there are")
    run = Run(folder)
    if run.info.get("format", 0) > FORMAT:
        raise RunError(f"{folder} was written by a newer penjing (format {run.info['format']}); upgrade penjing")
    return run


def list_runs(folder: Path = RUNS) -> list[Run]:
    """All runs directly inside a folder, in natural order."""
    if not folder.is_dir():
        return []
    found = [Run(item) for item in folder.iterdir() if (item / "run.json").is_file()]
    return sorted(found, key=lambda run: [int(t) if t.isdigit() else t for t in re.split(r"(\d+)", run.path.name)])


def now() -> str:
    """The time in UTC, as ISO 8601, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """The versions that a run's numbers depend on."""
    found = {"python": platform.python_version()}
    for package in ("penjing", "torch", "numpy", "scikit-learn", "pillow", "polars"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found


def machine() -> dict[str, Any]:
    """What kind of computer this is; its name is left out."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cpu": _cpu_name(),
        "cores": usable_cores(),
        "allocator": allocator(),
    }


def finite(values: Mapping[str, float]) -> dict[str, Any]:
    """Values for a JSON line: what is not finite becomes null and is named under `non_finite`."""
    bad = [name for name, value in values.items() if isinstance(value, float) and not np.isfinite(value)]
    plain = {name: None if name in bad else value for name, value in values.items()}
    return {**plain, **({"non_finite": bad} if bad else {})}


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def next_free(title: str) -> Path:
    """The next free `runs/<title>-001`; `reserve` makes it, too."""
    stem = re.sub(r"[^\w.-]+", "-", Path(title.rstrip("/\\")).name).strip("-.") or "run"
    number = 1
    while os.path.lexists(RUNS / f"{stem}-{number:03d}"):
        number += 1
    return RUNS / f"{stem}-{number:03d}"


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame | None:
    return pl.DataFrame(rows, infer_schema_length=None) if rows else None


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested tables as dotted keys."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found.update(flat(value, f"{before}{name}.") if isinstance(value, Mapping) else {f"{before}{name}": value})
    return found


def _read_list(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise RunError(f"{path} cannot be read ({problem}); the run folder is damaged") from problem
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise RunError(f"{path} cannot be read ({problem}); the run folder is damaged") from problem
    if not isinstance(found, dict):
        raise RunError(f"{path} does not hold a JSON object; the run folder is damaged")
    return found


def _score(found: Mapping[str, Any]) -> Score:
    facts = {name: found[name] for name in ("value", "low", "high", "n", "part", "metric", "units")}
    return Score(**facts, is_higher_better=is_higher_better(found))


def check_free_to_remove(run: Run) -> None:
    """Refuse a run that another process writes into at this moment. A run without a lock is written by nobody.

    Raises:
        RunError: one does.
    """
    if not run.path.is_symlink() and (run.path / LOCK).exists():
        with held(run.path):
            pass  # Windows deletes no file that is open, so the lock is let go before it goes


def remove(run: Run) -> None:
    """Delete a run's folder; its seal openings stay counted. Of a symbolic link only the link goes.

    Raises:
        RunError: another process writes into it, or something in it cannot be deleted.
    """
    try:
        if run.path.is_symlink():
            run.path.unlink()
            return
        check_free_to_remove(run)
        shutil.rmtree(run.path)
    except OSError as problem:
        raise RunError(f"cannot remove {problem.filename or run.path}: {problem.strerror or problem}") from problem


def _with_inputs(prepare: dict[str, Any]) -> dict[str, Any]:
    """The first format of prepare.json knew one picture column only; here it is read as today's."""
    if "column" not in prepare or "inputs" in prepare:
        return prepare
    column: str = prepare["column"]
    rest: dict[str, Any] = {name: prepare[name] for name in ("target", "classes") if name in prepare}
    known = {name: prepare[name] for name in ("modality", "decode", "learned", "shape") if name in prepare}
    return {"inputs": {column: {"columns": {column: prepare.get("modality")}, **known}}, "learned_target": {}, **rest}
