"""What `treat` found, for a terminal, a notebook and a program."""

from __future__ import annotations

import html
import shlex
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from penjing.core.differences import Difference
from penjing.core.recipe import Recipe
from penjing.core.report.text import LINE_COLUMNS, metric_name, show_effect, show_score
from penjing.core.run import Run
from penjing.workflows._search import NO_FINDING, NOTHING_TO_GAIN
from penjing.workflows._steps import Treated
from penjing.workflows.diagnose import Diagnosis

LONG = 1.25  # times the seconds, from which on a remedy's cost is said
INDENT = 18  # columns of an outcome
Shown = Literal["whole", "without border"]
_BRIEF = ("not applicable", "not tried")  # outcomes of which only the names are said


@dataclass(frozen=True)
class Treatment:
    """What `treat` found.

    Attributes:
        origin: the run that was treated.
        diagnosis: what was wrong with it.
        metric: what was judged by.
        judged_on: "confirm", "folds" (of what is learned from), or "valid", half of the validation items.
        seeds: of each side of a pair that were asked for; each difference says how many it has.
        treated: the remedies, verdicts first.
        kept: the remedies whose change was kept.
        gain: what they are worth together on the items that judged; None where nothing was kept.
        further: what the last of them is worth on top of the others, where it was judged by itself, after those.
        recipe: with what is kept; None where nothing is.
        run: the run of that recipe.
        began: when, in UTC.
        shown: how pictures were shown that chose and judged: "whole", or "without border" where that tells the answer.
        ways: what was decided of how it chooses and judges, as lines of a ledger; see `way_line`.
    """

    origin: Run
    diagnosis: Diagnosis
    metric: str
    judged_on: str
    seeds: int
    treated: tuple[Treated, ...] = ()
    kept: tuple[str, ...] = ()
    gain: Difference | None = None
    further: Difference | None = None
    recipe: Recipe | None = None
    run: Run | None = None
    began: str = ""
    shown: Shown = "whole"
    ways: tuple[Mapping[str, Any], ...] = ()

    @property
    def verdict(self) -> str:
        """What came of it, in a sentence without its stop."""
        if self.gain is not None:
            effect = self._effect(self.gain)
            where = " on pictures without their border" if self.shown == "without border" else ""
            if self.further is None:
                return f"kept {' and '.join(self.kept)}: {metric_name(self.metric)} {effect}{where}"
            *others, last = self.kept
            more = f"and {last}: {self._effect(self.further)} more"
            return f"kept {' and '.join(others)}: {metric_name(self.metric)} {effect}{where}, {more}"
        if not self.treated:
            if any(one.is_trouble for one in self.diagnosis.findings):
                return "no remedy is known against what was found; nothing was tried"
            return "nothing wrong was found, so nothing was tried"
        helped = " and ".join(one.remedy for one in self.treated if one.outcome == "helped")
        if helped:
            return f"{helped} helped beside what did not, and was not shown to help without it; the run stays as it is"
        untried = {one.why for one in self.treated if one.outcome == "not tried"}
        if untried - {NOTHING_TO_GAIN}:
            return "nothing was shown to help in this time, so the run stays as it is; more --time tries the rest"
        if untried:
            is_tried = any(one.outcome not in _BRIEF for one in self.treated)
            return f"{'nothing was shown to help, and ' * is_tried}{NOTHING_TO_GAIN}, so the run stays as it is"
        return "nothing was shown to help, so the run stays as it is"

    @property
    def ledger(self) -> list[dict[str, Any]]:
        """What a ledger holds of it."""
        lines = [*self.ways, *(ledger_line(one, self.began, self.judged) for one in self.treated)]
        origin = {"origin": str(self.origin.path), "metric": self.metric}
        return [*(dict(line) for line in lines), {**self.summary, **origin}]

    @property
    def summary(self) -> dict[str, Any]:
        """What came of it as a line of a ledger."""
        named = {"what": "treated", "choice": " and ".join(self.kept) or "nothing", "why": self.verdict}
        return {**named, "began": self.began, **self.judged}

    @property
    def judged(self) -> dict[str, Any]:
        """By what it was judged, as a ledger holds it."""
        return {"judged_on": self.judged_on, "seeds": self.seeds, "shown": self.shown}

    def lines(self) -> list[str]:
        """For a terminal of 80 columns."""
        findings = [one for one in self.diagnosis.findings if one.is_trouble]
        told = [f"found: {', '.join(one.name for one in findings) or 'nothing wrong'}"]
        told = textwrap.wrap(told[0], LINE_COLUMNS, subsequent_indent="  ")
        brief: dict[str, list[str]] = {}
        for one in self.treated:
            if _is_brief(one):
                brief.setdefault(one.outcome, []).append(one.remedy)
            else:
                told += self._told(one)
        for outcome, names in brief.items():
            told += _wrapped(outcome, ", ".join(names))
        told += textwrap.wrap(f"{self.verdict}.", LINE_COLUMNS)
        return [*told, *self._next()]

    def _told(self, one: Treated) -> list[str]:
        cost = f", takes {one.times:.1f} × the time" if one.times is not None and one.times > LONG else ""
        about = _wrapped(one.outcome, f"{_dosed(one)} for {one.finding}{cost}")
        told = one.why
        if one.difference is not None:
            told = f"{metric_name(self.metric)} {self._effect(one.difference)} {one.why}"
        return [*about, *_wrapped("", told)]

    def _next(self) -> list[str]:
        if self.run is None:
            if not any(one.is_trouble for one in self.diagnosis.findings):
                return [f"next:  penjing test {shlex.quote(str(self.origin.path))} (opens the seal)"]
            return [f"next:  penjing report {shlex.quote(str(self.origin.path))}"]
        before, after = _score(self.origin), _score(self.run)
        place = shlex.quote(str(self.run.path))
        change = f"{show_score(before)} → {show_score(after)}" if before and after else ""
        scores = [f"valid  {metric_name(self.metric)} {change} (chosen on)"] if change else []
        if self.shown == "without border" and self.run.recipe.training.border:
            scores += ["       the first one rests on the border of the pictures, the second does not"]
        old, new = self.origin.recipe, self.run.recipe
        if new.split.folds > old.split.folds:
            scores += ["       the first one is of the items that validated, the second of all folds"]
            if (new.data.drop, new.data.relabel) != (old.data.drop, old.data.relabel):
                scores += ["       without those that are left out, and under the labels that others were given"]
        return [*scores, f"next:  penjing report {place} · penjing diagnose {place}"]

    def _effect(self, difference: Difference) -> str:
        return show_effect(difference.effect, difference.low, difference.high, self.metric)

    def to_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "origin": str(self.origin.path),
            "run": str(self.run.path) if self.run else None,
            "metric": self.metric,
            "judged_on": self.judged_on,
            "seeds": self.seeds,
            "shown": self.shown,
            "findings": [one.name for one in self.diagnosis.findings],
            "treated": [plain(one) for one in self.treated],
            "kept": list(self.kept),
            "gain": vars(self.gain) if self.gain else None,
            "further": vars(self.further) if self.further else None,
            "verdict": self.verdict,
            "scores": {
                "before": _score(self.origin),
                "after": _score(self.run),
            },
        }

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _is_brief(one: Treated) -> bool:
    """Whether only its name is said: it was not trained, or nothing pointed at it and it looked no better."""
    return one.outcome in _BRIEF or (one.outcome == "screened out" and one.finding == NO_FINDING.name)


def _score(run: Run | None) -> dict[str, Any] | None:
    """The score of a run's network on validation; None where it has none."""
    return run.scores[0].to_dict() if run is not None and run.scores else None


def _dosed(one: Treated) -> str:
    """A remedy's name with how often it was applied: "more_steps (3 times)"."""
    often = {name: f"{name} ({count} times)" for name, count in one.doses.items() if count > 1}
    return " and ".join(often.get(name, name) for name in one.doses) or one.remedy


def plain(one: Treated) -> dict[str, Any]:
    """One remedy as JSON values."""
    return {
        "remedy": one.remedy,
        "finding": one.finding,
        "outcome": one.outcome,
        "why": one.why,
        "doses": dict(one.doses),
        "times": one.times,
        "changed": {key: list(pair) for key, pair in one.changed.items()},
        "difference": vars(one.difference) if one.difference else None,
    }


def ledger_line(one: Treated, began: str, judged: Mapping[str, Any]) -> dict[str, Any]:
    """One remedy as a line of a ledger.

    Args:
        began: when the treatment began, which tells treatments of one run apart.
        judged: by what it is judged, as `Treatment.judged` says.
    """
    told = plain(one)
    why = told.pop("why")
    named = {"what": "treatment", "choice": f"{one.remedy}: {one.outcome}", "why": why, "began": began}
    return {**named, **judged, **told}


def way_line(choice: str, why: str, began: str, what: str = "judging") -> dict[str, Any]:
    """What was decided of how a treatment chooses and judges, or of its seed, as a line of a ledger."""
    return {"what": what, "choice": choice, "why": why, "began": began}


def _wrapped(first: str, text: str) -> list[str]:
    """A text beside an outcome, in a column of its own."""
    return textwrap.wrap(
        text,
        LINE_COLUMNS,
        initial_indent=f"{first:<{INDENT}}",
        subsequent_indent=" " * INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
