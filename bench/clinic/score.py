"""How often the doctor is right: recall, precision and false alarms, with Clopper-Pearson intervals.

A sick run counts as recognised when its required finding is there, at any level. A finding at warning level or above
that its fault does not name is a false alarm. A healthy run has a false alarm when it has any such finding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from penjing.core import plugins
from penjing.core.shares import exact_share

GRAVE = ("warning", "error")
HARM = 0.02  # of the score, below the best that is known
MOST_SECONDS = 8.0  # that a run should take

Line = Mapping[str, Any]


def share(right: int, of: int) -> dict[str, Any]:
    """A share with its Clopper-Pearson interval; null where there is nothing."""
    if of == 0:
        return {"value": None, "low": 0.0, "high": 1.0, "right": 0, "n": 0}
    low, high = exact_share(right, of)
    return {"value": right / of, "low": low, "high": high, "right": right, "n": of}


def is_recognised(line: Line) -> bool:
    """Whether the required finding is there."""
    return any(name == line["required"] for name, *_ in line["findings"])


def grave(line: Line) -> list[str]:
    """The names of the findings at warning level or above."""
    return [name for name, level, *_ in line["findings"] if level in GRAVE]


def false_alarms(line: Line) -> list[str]:
    """The grave findings that are not true of the run, as far as its fault says."""
    true = {line["required"], *line["also"]}
    return [name for name in grave(line) if name not in true]


def waits(check: str) -> bool:
    """Whether a check has something to look at only after experiments; not of one that does not exist."""
    needs = plugins.load("checks", check).NEEDS if check in plugins.names("checks") else ()
    return any(need.startswith("trials") for need in needs)


def is_harmful(line: Line) -> bool:
    """Whether the fault did harm: it is in the data, or the score is two points below the best that is known."""
    return line["kind"] in ("data", "labels") or line["value"] is None or line["value"] < line["best"] - HARM


def scored(lines: Sequence[Line], not_built: Iterable[str] = ()) -> dict[str, Any]:
    """Everything that is told of some runs.

    Args:
        not_built: names of findings that no check gives yet.
    """
    known = [line for line in lines if "misfit" not in line]
    sick = [line for line in known if line["fault"]]
    healthy = [line for line in known if not line["fault"] and line["is_healthy"]]
    missing = set(not_built)
    return {
        "sick_runs": len(sick),
        "healthy_runs": len(healthy),
        "not_healthy_enough": sum(not line["fault"] and not line["is_healthy"] for line in known),
        "misfits": len(lines) - len(known),
        "seconds": _seconds([float(line["seconds"]) for line in known if line.get("seconds") is not None]),
        **_pair(sick),
        "of_faults_that_did_harm": _pair([line for line in sick if is_harmful(line)]),
        "of_checks_without_experiments": _pair([line for line in sick if not waits(line["required"])]),
        "of_checks_with_experiments": _pair([line for line in sick if waits(line["required"])]),
        "of_checks_that_are_built": _pair([line for line in sick if line["required"] not in missing]),
        "healthy_false_alarms": share(sum(bool(grave(line)) for line in healthy), len(healthy)),
        "by_modality": _grouped(sick, healthy, "modality"),
        "by_fault": {
            name: {"required": found[0]["required"], "is_built": found[0]["required"] not in missing, **_pair(found)}
            for name, found in _by(sick, "fault").items()
        },
        "false_alarms_on_healthy": dict(Counter(name for line in healthy for name in grave(line)).most_common()),
        "false_alarms_on_sick": dict(Counter(name for line in sick for name in false_alarms(line)).most_common()),
        "missed": dict(Counter(line["required"] for line in sick if not is_recognised(line)).most_common()),
    }


def _seconds(taken: Sequence[float]) -> dict[str, float] | None:
    """Processor time of a run, experiments included: the usual one, how many keep to what is asked, the longest."""
    if not taken:
        return None
    within = sum(seconds <= MOST_SECONDS for seconds in taken)
    return {"median": round(median(taken), 1), "runs": len(taken), "within": within, "most": round(max(taken), 1)}


def _pair(sick: Sequence[Line]) -> dict[str, Any]:
    """Recall and precision of some sick runs."""
    alarms = sum(len(grave(line)) for line in sick)
    false = sum(len(false_alarms(line)) for line in sick)
    return {
        "recall": share(sum(map(is_recognised, sick)), len(sick)),
        "precision": share(alarms - false, alarms),
    }


def _grouped(sick: Sequence[Line], healthy: Sequence[Line], key: str) -> dict[str, Any]:
    well = _by(healthy, key)
    return {
        name: {
            **_pair(found),
            "healthy_false_alarms": share(
                sum(bool(grave(line)) for line in well.get(name, [])), len(well.get(name, []))
            ),
        }
        for name, found in _by(sick, key).items()
    }


def _by(lines: Sequence[Line], key: str) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in sorted(lines, key=lambda one: str(one[key])):
        found.setdefault(line[key], []).append(line)
    return found
