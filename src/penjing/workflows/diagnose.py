"""What is wrong with a training, read from its record; nothing is run and no network is loaded without a time for it.

run folder, or a log of another tool → record → checks → Diagnosis
"""

from __future__ import annotations

import html
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from penjing import checks
from penjing.checks import NotExamined
from penjing.core import finding as findings
from penjing.core.errors import PenjingError, UsageError
from penjing.core.events import Watch
from penjing.core.finding import Finding, Level
from penjing.core.record import Record
from penjing.core.report.text import many
from penjing.core.run import Run, open_run
from penjing.workflows._foreign import foreign
from penjing.workflows._help import Help, what_helps

__all__ = ["Diagnosis", "diagnose", "findings_of", "foreign"]

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


def _plain(one: Finding | NotExamined) -> dict[str, Any]:
    found = asdict(one)
    return {**found, "message": one.message}
