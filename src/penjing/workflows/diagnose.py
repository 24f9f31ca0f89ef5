"""What is wrong with a training, read from its record; nothing is run and no network is loaded without a time for it.

run folder, or a log of another tool → record → checks → Diagnosis
"""

from __future__ import annotations

import csv
import html
import math
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from penjing import checks
from penjing.checks import NotExamined
from penjing.core import finding as findings
from penjing.core.errors import DataError, PenjingError, UsageError
from penjing.core.events import Watch
from penjing.core.finding import Finding, Level
from penjing.core.record import Record
from penjing.core.report.text import many
from penjing.core.run import Run, open_run
from penjing.workflows._help import Help, what_helps

__all__ = ["Diagnosis", "diagnose", "findings_of", "foreign"]

# What other tools call the columns of a record. Keras: `loss`, `val_loss`; Lightning: what the person logged, with
# `_epoch` and `_step` behind it; Weights & Biases, and the logs of our own watchers: part and name with "/" between
# them. The loss of Keras is the mean over the batches of an epoch, as they were augmented.
_TRAIN = (
    "loss",
    *("train_loss", "training_loss", "train_loss_epoch", "train_loss_step"),
    *("train/loss", "train/loss_epoch", "train/loss_step"),
)
_VALID = (
    *("val_loss", "valid_loss", "validation_loss", "eval_loss", "val_loss_epoch"),
    *("valid/loss", "val/loss", "validation/loss", "eval/loss", "val/loss_epoch"),
)
_MEANT: Mapping[str, tuple[str, ...]] = {
    "train/running_loss": ("train/running_loss", *_TRAIN),
    "train/loss": _TRAIN,
    "valid/loss": _VALID,
    "gradient/norm": ("gradient/norm", "grad_norm", "train/grad_norm", "gradient_norm", "grad_2.0_norm_total"),
    "rate": ("rate", "lr", "learning_rate", "train/learning_rate"),
    "seconds": ("seconds", "time", "elapsed"),
}
_EPOCHS = ("epoch", "train/epoch")  # what numbers the rows
_STEPS = ("step", "iteration", "_step", "global_step", "train/global_step", "trainer/global_step")
_LOSSES = ("train/running_loss", "train/loss", "valid/loss")


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` saw.

    Attributes:
        title: of what.
        findings: what is wrong or good to know, the gravest first.
        not_examined: the checks that could not look, and why.
        examined: the names of the checks that could.
        helps: what would help most, where experiments were made.
        command: what makes the experiments that some checks wait for; "" where none can be made.
    """

    title: str
    findings: tuple[Finding, ...]
    not_examined: tuple[NotExamined, ...]
    examined: tuple[str, ...]
    helps: tuple[Help, ...] = ()
    command: str = ""

    @property
    def worst(self) -> Level | None:
        """The gravest level found, or None when nothing was."""
        return findings.worst(list(self.findings))

    def to_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "format": 1,
            "title": self.title,
            "worst": self.worst,
            "findings": [_plain(finding) for finding in self.findings],
            "not_examined": [_plain(check) for check in self.not_examined],
            "examined": list(self.examined),
            "helps": [asdict(one) for one in self.helps],
        }

    def lines(self) -> list[str]:
        """One paragraph a finding, for a terminal; one line where nothing is wrong."""
        if not self.examined:
            return ["there is no record to examine: the training wrote none yet"]
        told = [f"{one.level}: {one.message}" for one in self.findings]
        blind = [one for one in self.not_examined if not (one.needs_experiments and self.command)]
        waiting = len(self.not_examined) - len(blind)
        more = f"{many(waiting, 'check')} more after experiments: {self.command}"
        if not told:
            told.append(f"{many(len(self.examined), 'check')} found nothing wrong" + f"; {more}" * bool(waiting))
        elif waiting:
            told.append(more)
        if blind:
            told.append(f"not examined, for the record lacks what it takes: {', '.join(one.name for one in blind)}")
        return [*told, *self._help_lines()]

    def _help_lines(self) -> list[str]:
        if not self.helps:
            return []
        unknown = [one.what for one in self.helps if one.gain is None]
        known = [f"  {one}" for one in self.helps if one.gain is not None]
        rest = [f"  not examined: {', '.join(unknown)} (more --time tells)"] if unknown else []
        return ["what would help most:", *known, *rest]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        told = "".join(f"<li>{html.escape(line)}</li>" for line in self.lines())
        return f"<h3>{html.escape(self.title)}</h3><ul>{told}</ul>"


def diagnose(
    run: Run | str | Path, seconds: float | None = None, data: object | None = None, watch: Watch = None
) -> Diagnosis:
    """What is wrong with a training.

    Args:
        run: a run, its folder, or the CSV log of another tool.
        seconds: for experiments that tell more; None makes none.
        data: where the run's data are now, for experiments; None takes the place they had.
        watch: is told of experiments.

    Raises:
        RunError: there is no such run, or experiments cannot be made with it.
        DataError: the log cannot be read, or holds no losses; the data are gone or have changed.
        UsageError: experiments are wanted with a log.
    """
    path = run.path if isinstance(run, Run) else Path(run).expanduser()
    command = ""
    if path.is_file():
        if seconds is not None:
            raise UsageError(f"{path} is a log, and experiments take a run: leave --time out")
        title, record = path.name, foreign(path)
    else:
        opened = open_run(run)
        if seconds is not None:
            from penjing.workflows._experiments import experiment  # it takes torch, which reading a record does not

            experiment(opened, seconds, data, watch)
        title, record = opened.path.name, opened.record
        command = shlex.join(["penjing", "diagnose", str(opened.path), "--time", _longer(seconds)])
    names = checks.names_for("steps", "items", "inputs", "choices", "trials")
    found = checks.examine(record, names)
    blind = tuple(one for one in found if isinstance(one, NotExamined))
    return Diagnosis(
        title,
        tuple(one for one in found if isinstance(one, Finding)),
        blind,
        tuple(name for name in names if name not in {one.name for one in blind}),
        tuple(what_helps(record)),
        command,
    )


def _longer(seconds: float | None) -> str:
    """The time to ask for next: twice what was not enough, so that what waited for experiments is examined."""
    return "2m" if seconds is None or 2 * seconds <= 120 else f"{2 * seconds:.0f}s"


def findings_of(run: Run) -> tuple[Finding, ...]:
    """What a diagnosis finds, for a report; nothing where the record cannot be read, which the report itself says."""
    try:
        return diagnose(run).findings
    except (PenjingError, pl.exceptions.PolarsError, ValueError, TypeError):
        return ()


def foreign(file: Path) -> Record:
    """The record in a log of Keras (`CSVLogger`, or a `History` as a table), of Lightning (`CSVLogger`) or in any CSV
    with a column of losses. Rows of one epoch become one, or of one step where no column numbers whole epochs; rows
    without a number there are left out. Where nothing numbers the rows, each is an epoch.

    Raises:
        DataError: it is not such a table, or holds no losses.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            rows = list(csv.DictReader(opened))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise DataError(f"{file} is not readable as a CSV log: {problem}") from problem
    given = {str(name).strip().lower(): name for name in (rows[0] if rows else {}) if name}
    columns = {
        ours: given[theirs]
        for ours, names in _MEANT.items()
        if (theirs := next((name for name in names if name in given), None)) is not None
    }
    if not any(name in columns for name in _LOSSES):
        names = f"its columns are {', '.join(given)}" if given else "it has no rows"
        raise DataError(f"{file} holds no losses: {names}; a log has a column loss, train_loss or val_loss")
    epoch, step = (next((given[name] for name in names if name in given), None) for names in (_EPOCHS, _STEPS))
    are_steps = step is not None and _are_whole(rows, step) and _are_rising(rows, step)
    if are_steps and (epoch is None or not _are_whole(rows, epoch)):
        lines, counted = list(_numbered(rows, columns, step, file)), "step"
    else:
        lines, counted = list(_numbered(rows, columns, epoch, file)), "epoch"
        lines = [{**line, "step": place} for place, line in enumerate(lines, 1)]
    return Record(steps=pl.DataFrame(lines, infer_schema_length=None), counted=counted)


def _cells(rows: list[dict[str, str]], column: str) -> list[str]:
    return [(row.get(column) or "").strip() for row in rows]


def _numbers(rows: list[dict[str, str]], column: str) -> list[float]:
    """The numbers in a column; a row such as a summary at the end has none."""
    return [number for cell in _cells(rows, column) if (number := _number(cell)) is not None]


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _are_whole(rows: list[dict[str, str]], column: str) -> bool:
    """Whether a column numbers whole epochs or steps, and not parts of them."""
    numbers = _numbers(rows, column)
    return bool(numbers) and all(number.is_integer() for number in numbers)


def _are_rising(rows: list[dict[str, str]], column: str) -> bool:
    """Whether the numbers of a column, each once, rise."""
    numbers = list(dict.fromkeys(_numbers(rows, column)))
    return numbers == sorted(numbers)


def _numbered(
    rows: list[dict[str, str]], columns: Mapping[str, str], numbering: str | None, file: Path
) -> Iterator[dict[str, Any]]:
    """One line of a record for each epoch or step: the last value of each column in it, and what was not a number."""
    members: dict[float, list[dict[str, str]]] = {}
    is_numbered = numbering is not None and bool(_numbers(rows, numbering))
    for place, row in enumerate(rows, 1):
        number = _number((row.get(numbering or "") or "").strip()) if is_numbered else place
        if number is not None:
            members.setdefault(number, []).append(row)
    # Only a loss has to be a number: a column "time" may hold the time of day.
    known = {ours: theirs for ours, theirs in columns.items() if ours in _LOSSES or _is_number(_cells(rows, theirs))}
    for number, some in members.items():
        values = {ours: _last(some, theirs, file) for ours, theirs in known.items()}
        lost = [name for name, value in values.items() if value is not None and not math.isfinite(value)]
        plain = {name: None if name in lost else value for name, value in values.items()}
        yield {"step": int(number), **plain, "non_finite": lost or None}


def _is_number(cells: list[str]) -> bool:
    """Whether all cells that hold something hold a number."""
    try:
        for cell in filter(None, cells):
            float(cell)
    except ValueError:
        return False
    return True


def _last(rows: list[dict[str, str]], column: str, file: Path) -> float | None:
    cells = [cell for cell in _cells(rows, column) if cell]
    if not cells:
        return None
    try:
        return float(cells[-1])
    except ValueError as problem:
        raise DataError(f'{file}: "{cells[-1]}" in the column {column} is not a number') from problem


def _plain(one: Finding | NotExamined) -> dict[str, Any]:
    found = asdict(one)
    return {**found, "message": one.message}
