"""Which runs there are: a list that follows from a seed alone, for each part.

The final part and the fresh part have data sets, networks and strengths that the other parts lack. They are opened by
`open_part` only, which counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clinic import data
from clinic.faults import Fault
from clinic.questions import EVERY
from penjing.core.randomness import stream

SEEDS: Mapping[str, int] = {"development": 20261128, "final": 49, "fresh": 20261130}
RUNS_A_FAULT = 5
HEALTHY = 200
# Of the parts that are opened: how often they may be, and where each time is written down.
MOST_OPENINGS: Mapping[str, int] = {"final": 3, "fresh": 1}
OPENINGS: Mapping[str, Path] = {
    "final": Path(__file__).parent / "openings.json",
    "fresh": Path(__file__).parent / "fresh_openings.json",
}


@dataclass(frozen=True)
class Case:
    """One run.

    Attributes:
        fault: its name; "" is a healthy training.
        data: the data set.
        draw: of its items.
        strength: of the fault.
        seed: of the training and of whatever is drawn for the fault.
    """

    fault: str
    data: str
    draw: int
    strength: float
    seed: int

    @property
    def id(self) -> str:
        return f"{self.fault or 'healthy'} | {self.data} {self.draw} | {self.strength:g} | {self.seed}"


def fits(fault: Fault, name: str) -> bool:
    """Whether a fault can be in a data set."""
    found = data.DATA[name]
    is_named = not fault.only or name in fault.only
    return is_named and found.modality in fault.modalities and found.task in fault.tasks


def cases(part: str = "development", seed: int | None = None) -> list[Case]:
    """All runs of a part, dealt so that any first few of them hold something of everything.

    Args:
        seed: of what is drawn; None is the part's own.
    """
    draw = stream(SEEDS[part] if seed is None else seed, "clinic cases")
    sick = [_of_fault(name, fault, part, draw) for name, fault in EVERY.items()]
    turns = [one for turn in range(RUNS_A_FAULT) for found in sick for one in found[turn : turn + 1]]
    sick_runs = [turns[place] for block in _blocks(len(turns), len(EVERY)) for place in draw.permutation(block)]
    return _woven(sick_runs, _healthy(part, draw))


def _of_fault(name: str, fault: Fault, part: str, draw: np.random.Generator) -> list[Case]:
    """The runs of one fault, another modality each time where it can be in several."""
    places = [one for one in data.names(part) if fits(fault, one)]
    order = _in_turn([places[at] for at in draw.permutation(len(places))], lambda one: data.DATA[one].modality)
    strengths = fault.doses(part)
    seeds = draw.integers(1, 10_000, RUNS_A_FAULT)
    return [
        Case(name, order[turn % len(order)], 0, strengths[turn % len(strengths)], int(seeds[turn]))
        for turn in range(RUNS_A_FAULT if order else 0)
    ]


def _in_turn(names: Sequence[str], kind: Callable[[str], str]) -> list[str]:
    """The names with their kinds in turn."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(kind(name), []).append(name)
    most = max((len(same) for same in found.values()), default=0)
    return [same[turn] for turn in range(most) for same in found.values() if turn < len(same)]


def _blocks(count: int, size: int) -> list[np.ndarray]:
    return [np.arange(first, min(first + size, count)) for first in range(0, count, size)]


def _healthy(part: str, draw: np.random.Generator) -> list[Case]:
    """Healthy runs, the data sets in turn."""
    names = data.names(part)
    seeds = draw.integers(1, 10_000, HEALTHY)
    return [Case("", names[turn % len(names)], 0, 1.0, int(seeds[turn])) for turn in range(HEALTHY)]


def _woven(sick: Sequence[Case], healthy: Sequence[Case]) -> list[Case]:
    """Both lists as one, each evenly spread."""
    places = [((place + 0.5) / len(some), one) for some in (sick, healthy) for place, one in enumerate(some)]
    return [one for _, one in sorted(places, key=lambda pair: pair[0])]


def shard(found: Sequence[Case], share: str) -> list[Case]:
    """Every n-th case: "1/4" is the first of four shares."""
    number, _, of = share.partition("/")
    return list(found)[int(number) - 1 :: int(of)]


def openings(part: str, file: Path | None = None) -> int:
    """How many times a part was opened."""
    return len(_opened(file or OPENINGS[part]))


def _opened(file: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))["openings"] if file.exists() else []
    return found


def open_part(part: str, why: str, when: str, commit: str, code: str, file: Path | None = None) -> list[Case]:
    """The cases of the final part or of the fresh one; each opening is written down first. To go on with the last one,
    with the very same code, is no other opening.

    Args:
        code: what `code_id` gives.
        file: where openings are written down; None is the part's own.

    Raises:
        SystemExit: it has been opened as often as it may be.
    """
    file = file or OPENINGS[part]
    known = _opened(file)
    if not (known and known[-1]["code"] == code):
        if len(known) >= MOST_OPENINGS[part]:
            times = "once" if len(known) == 1 else f"{len(known)} times"
            raise SystemExit(f"the {part} part has been opened {times}, which is all it may be")
        known.append({"why": why, "when": when, "commit": commit, "code": code})
        file.write_text(json.dumps({"openings": known}, indent=1) + "\n", encoding="utf-8")
    return cases(part)


def code_id() -> str:
    """A hash of all code that decides what the clinic finds: the library's and its own."""
    clinic = Path(__file__).parent
    files = [*(clinic.parent.parent / "src").rglob("*.py"), *clinic.glob("*.py")]
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(path.relative_to(clinic.parent.parent).as_posix().encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()[:16]
