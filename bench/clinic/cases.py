"""Which runs there are: a list that follows from a seed alone, for the development part and for the final part.

The final part has data sets, networks and strengths that the development part lacks. It is opened by `openings` only,
which counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clinic import data
from clinic.faults import Fault
from clinic.questions import EVERY
from penjing.core.randomness import stream

DEVELOPMENT_SEED, FINAL_SEED = 20261128, 49
RUNS_A_FAULT = 5
HEALTHY = 200
MOST_OPENINGS = 3
OPENINGS = Path(__file__).parent / "openings.json"


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


def cases(seed: int = DEVELOPMENT_SEED, is_final: bool = False) -> list[Case]:
    """All runs of a part, dealt so that any first few of them hold something of everything."""
    draw = stream(seed, "clinic cases")
    sick = [_of_fault(name, fault, is_final, draw) for name, fault in EVERY.items()]
    turns = [one for turn in range(RUNS_A_FAULT) for found in sick for one in found[turn : turn + 1]]
    sick_runs = [turns[place] for block in _blocks(len(turns), len(EVERY)) for place in draw.permutation(block)]
    return _woven(sick_runs, _healthy(is_final, draw))


def _of_fault(name: str, fault: Fault, is_final: bool, draw: np.random.Generator) -> list[Case]:
    """The runs of one fault, another modality each time where it can be in several."""
    places = [one for one in data.names(is_final) if fits(fault, one)]
    order = _in_turn([places[at] for at in draw.permutation(len(places))], lambda one: data.DATA[one].modality)
    strengths = fault.unseen if is_final else fault.strengths
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


def _healthy(is_final: bool, draw: np.random.Generator) -> list[Case]:
    """Healthy runs, the data sets in turn."""
    names = data.names(is_final)
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


def openings(file: Path = OPENINGS) -> int:
    """How many times the final part was opened."""
    return len(json.loads(file.read_text(encoding="utf-8"))["openings"]) if file.exists() else 0


def open_final(why: str, when: str, commit: str, code: str, file: Path = OPENINGS) -> list[Case]:
    """The final part; each opening is written down first. To go on with the last one, with the very same code, is no
    other opening.

    Args:
        code: what `code_id` gives.

    Raises:
        SystemExit: it has been opened as often as it may be.
    """
    known = json.loads(file.read_text(encoding="utf-8"))["openings"] if file.exists() else []
    if not (known and known[-1]["code"] == code):
        if len(known) >= MOST_OPENINGS:
            raise SystemExit(f"the final part has been opened {len(known)} times, which is all it may be")
        known.append({"why": why, "when": when, "commit": commit, "code": code})
        file.write_text(json.dumps({"openings": known}, indent=1) + "\n", encoding="utf-8")
    return cases(FINAL_SEED, is_final=True)


def code_id() -> str:
    """A hash of all code that decides what the clinic finds: the library's and its own."""
    clinic = Path(__file__).parent
    files = [*(clinic.parent.parent / "src").rglob("*.py"), *clinic.glob("*.py")]
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(path.relative_to(clinic.parent.parent).as_posix().encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()[:16]
