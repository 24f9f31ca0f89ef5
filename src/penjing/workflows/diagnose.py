"""What is wrong with a training, read from its record; nothing is run and no network is loaded without a time for it.

run folder, or a log of another tool → record → checks → Diagnosis
"""

from __future__ import annotations

import html
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
from penjing.core.report.text import LINE_COLUMNS, many
from penjing.core.run import Run, open_run
from penjing.workflows._foreign import TITLE as HISTORY
from penjing.workflows._foreign import foreign, of_history
from penjing.workflows._help import EXPERIMENTS, Help, what_helps
from penjing.workflows._repeatable import lacks_data, lacks_network, refused, untold

__all__ = ["Diagnosis", "diagnose", "foreign", "told_of"]


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
        """One paragraph a finding, for a terminal; one line where nothing is wrong, and what experiments would tell."""
        if not self.examined:
            return ["there is no record to examine: the training wrote none yet"]
        told = [f"{one.level}: {one.message}" for one in self.findings]
        if not told:
            told = [f"{many(len(self.examined), 'check')} found nothing wrong"]
        return [*told, *self._blind_lines(), *self._help_lines()]

    def _blind_lines(self) -> list[str]:
        """What experiments would tell, by which command, and what nothing tells."""
        waiting = [one.name for one in self.not_examined if one.needs_experiments and self.command]
        told = []
        if waiting:
            more = f"{many(len(waiting), 'check')} more after experiments: {', '.join(waiting)}"
            told = [*textwrap.wrap(more, LINE_COLUMNS, subsequent_indent="  "), f"  {self.command}"]
        blind = [one for one in self.not_examined if one.name not in waiting]
        lacking = [one.name for one in blind if not one.why]
        if lacking:
            told.append(f"not examined, for the record lacks what it takes: {', '.join(lacking)}")
        return told + _unknown_lines([(one.name, one.why) for one in blind if one.why])

    def _help_lines(self) -> list[str]:
        if not self.helps:
            return []
        known = [str(one) for one in self.helps if one.gain is not None]
        unknown = [one for one in self.helps if one.gain is None]
        waiting = ", ".join(one.what for one in unknown if not one.why)
        rest = [f"not examined: {waiting} (more --time tells)"] if waiting else []
        rest += _unknown_lines([(one.what, one.why) for one in unknown if one.why])
        return ["what would help most:", *(f"  {line}" for line in (*known, *rest))]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        told = "".join(f"<li>{html.escape(line)}</li>" for line in self.lines())
        return f"<h3>{html.escape(self.title)}</h3><ul>{told}</ul>"


def _unknown_lines(unknown: Sequence[tuple[str, str]]) -> list[str]:
    """What nothing tells, a line for each reason.

    Args:
        unknown: its name, and why nothing tells it.
    """
    reasons = dict.fromkeys(why for _, why in unknown)
    return [f"not examined: {', '.join(name for name, one in unknown if one == why)}, for {why}" for why in reasons]


def diagnose(
    run: object,
    seconds: float | None = None,
    data: object | None = None,
    watch: Watch = None,
    model: object | None = None,
) -> Diagnosis:
    """What is wrong with a training.

    Args:
        run: a run, its folder, the CSV log of another tool, or a Keras `History` or what that holds.
        seconds: for experiments that tell more; None makes none.
        data: where the run's data are now, for experiments; None takes the place they had.
        watch: is told of experiments.
        model: the person's own network, for experiments, where the run was given it as an object.

    Raises:
        RunError: there is no such run, or experiments cannot be made with it.
        DataError: the log cannot be read, or holds no losses; the data are gone or have changed.
        UsageError: it is none of these, or experiments are wanted with a log.
    """
    title, record = _log(run, seconds) or ("", None)
    if record is not None:
        return _examined(title, record)
    assert isinstance(run, Run | str | Path), "everything else was refused"
    opened = open_run(run)
    if seconds is not None:
        from penjing.workflows._experiments import experiment  # it takes torch, which reading a record does not

        experiment(opened, seconds, data, watch, model)
    found = _examined(opened.path.name, opened.record)
    why, cannot = _limits(opened)
    again = ["penjing", "diagnose", str(opened.path), "--time", _longer(seconds)]
    if isinstance(data, str | Path):
        again += ["--data", str(data)]
    return replace(
        found,
        not_examined=tuple(_explained(one, why, cannot) for one in found.not_examined),
        helps=tuple(
            one if one.gain is not None else replace(one, why=why or cannot.get(EXPERIMENTS[one.what], ""))
            for one in found.helps
        ),
        command="" if why else shlex.join(again),
    )


def _log(run: object, seconds: float | None) -> tuple[str, Record] | None:
    """The title and the record of what is no run of penjing's; None where it may be one.

    Raises:
        DataError: the log cannot be read, or holds no losses.
        UsageError: it is neither, or experiments are wanted with a log.
    """
    if isinstance(run, Run):
        return None
    if isinstance(run, str | Path):
        path = Path(run).expanduser()
        if not path.is_file():
            return None
        if seconds is not None:
            raise UsageError(f"{path} is a log, and experiments take a run: leave --time out")
        return path.name, foreign(path)
    record = of_history(run)
    if record is None:
        raise UsageError(
            f"{type(run).__name__} is nothing to diagnose; give a run, its folder, the CSV log of another tool, or "
            "what the fit of Keras returned (a History, or its .history: names, each with one value an epoch)"
        )
    if seconds is not None:
        raise UsageError("a history is a log, and experiments take a run: leave time out")
    return HISTORY, record


def _examined(title: str, record: Record) -> Diagnosis:
    """What the checks find in a record, and what would help."""
    names = checks.names_for("steps", "items", "inputs", "choices", "trials")
    found = checks.examine(record, names)
    blind = tuple(one for one in found if isinstance(one, NotExamined))
    return Diagnosis(
        title,
        tuple(one for one in found if isinstance(one, Finding)),
        blind,
        tuple(name for name in names if name not in {one.name for one in blind}),
        tuple(what_helps(record)),
    )


def _limits(run: Run) -> tuple[str, Mapping[str, str]]:
    """Why no experiments can be made with a run, or ""; and each that alone cannot, with why."""
    try:
        why = refused(run) or lacks_network(run) or lacks_data(run)
        return why, {} if why else untold(run)
    except (PenjingError, pl.exceptions.PolarsError, OSError) as problem:  # it cannot be repeated then
        return str(problem), {}


def _explained(one: NotExamined, why: str, cannot: Mapping[str, str]) -> NotExamined:
    """The same with why no experiment will let it look, where none will."""
    if not one.needs_experiments:
        return one
    reasons = (cannot.get(need.removeprefix("trials.")) for need in one.missing)
    return replace(one, why=why or next(filter(None, reasons), ""))


def _longer(seconds: float | None) -> str:
    """The time to ask for next: twice what was not enough, so that what waited for experiments is examined."""
    return "2m" if seconds is None or 2 * seconds <= 120 else f"{2 * seconds:.0f}s"


def told_of(run: Run) -> dict[str, Any]:
    """What a diagnosis tells, as `write_report` takes it: `findings` and `helps`; nothing where the record cannot be
    read, which the report itself says."""
    try:
        found = diagnose(run)
    except (PenjingError, pl.exceptions.PolarsError, ValueError, TypeError):
        return {"findings": (), "helps": ()}
    return {"findings": found.findings, "helps": tuple(asdict(one) for one in found.helps)}


def _plain(one: Finding | NotExamined) -> dict[str, Any]:
    found = asdict(one)
    return {**found, "message": one.message}
