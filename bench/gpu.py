"""CIFAR-10 on a GPU: seconds to 94 % and to 96 % of the test part, by the engine's clock.

    python bench/gpu.py                        times from 5 s on, each twice the one before; three seeds
    python bench/gpu.py --seeds 5 --longest 80
    python bench/gpu.py --set machine.compile=true    what a choice by hand makes of it; one without it stands beside it

The time is chosen on validation, which is cut from the training part: the shortest that reaches the goal in the mean of
the seeds. At the end, and once, the test part scores trainings of that time with as many further seeds, which learn
from what chose as well, as `fit --final` does. Without a GPU it says so and ends.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from _clocked import Carried, carried_out, ready
from _command import shared_data
from _record import circumstances, write

from penjing.core.recipe import parse_value

NAME = "gpu"
GOALS = (0.94, 0.96)
FINAL_SEEDS = 1000  # the first seed of trainings that the test part scores: none of them chose the time
Train = Callable[..., Carried]


@dataclass(frozen=True)
class Tried:
    """Trainings of one length, one a seed.

    Attributes:
        seconds: they were given.
        runs: their records; `accuracy` has the part that they were judged by.
    """

    seconds: float
    runs: Sequence[Mapping[str, Any]]

    def reaches(self, goal: float, part: str) -> bool:
        """Whether the mean accuracy on a part is the goal or more."""
        return mean(run["accuracy"][part] for run in self.runs) >= goal


def tried(train: Train, seconds: float, seeds: Sequence[int], **how: Any) -> Tried:
    """Trainings of one length with those seeds."""
    runs = []
    for seed in seeds:
        found = train(seconds, seed=seed, **how)
        runs.append({"seed": seed, **found.record(), **circumstances()})
        print(f"{seconds:g} s, seed {seed}: {found.seconds:.1f} s, {found.accuracy}", flush=True)
    return Tried(seconds, runs)


def lengths(train: Train, shortest: float, longest: float, seeds: Sequence[int]) -> list[Tried]:
    """Trainings of more and more seconds, judged on validation, until all goals are reached or the time is over."""
    found: list[Tried] = []
    seconds = shortest
    while seconds <= longest and not (found and found[-1].reaches(max(GOALS), "valid")):
        found.append(tried(train, seconds, seeds))
        seconds *= 2
    return found


def chosen(found: Sequence[Tried], goal: float) -> float | None:
    """The shortest time that reaches the goal on validation; None where none does."""
    return next((one.seconds for one in found if one.reaches(goal, "valid")), None)


def opened(train: Train, found: Sequence[Tried], count: int) -> dict[str, Any]:
    """Each goal with the time that was chosen for it, and what the test part says of so many trainings of that time."""
    times = {goal: chosen(found, goal) for goal in GOALS}
    seeds = range(FINAL_SEEDS, FINAL_SEEDS + count)
    scored = {
        seconds: tried(train, seconds, seeds, is_tested=True, is_final=True)
        for seconds in sorted({seconds for seconds in times.values() if seconds is not None})
    }
    return {f"cifar10 to {goal:.0%}": _line(goal, seconds, scored.get(seconds)) for goal, seconds in times.items()}


def _line(goal: float, seconds: float | None, scored: Tried | None) -> dict[str, Any]:
    """One line of the record: what was wanted, what was taken for it, and how that went."""
    is_reached = scored is not None and scored.reaches(goal, "test")
    taken = mean(run["clock_seconds"] for run in scored.runs) if scored is not None and is_reached else None
    runs = [] if scored is None else list(scored.runs)
    return {"wanted": goal, "seconds": seconds, "is_reached": is_reached, "seconds_taken": taken, "runs": runs}


def told(name: str, line: Mapping[str, Any]) -> str:
    """A line of the record as a sentence."""
    if line["seconds"] is None:
        return f"{name}: not reached on validation in the times that were tried; the test part was not asked"
    accuracy = mean(run["accuracy"]["test"] for run in line["runs"])
    if not line["is_reached"]:
        return f"{name}: not reached; {line['seconds']:g} s, chosen on validation, gave {accuracy:.4f}"
    return f"{name}: {line['seconds_taken']:.1f} s, test {accuracy:.4f}, mean of {len(line['runs'])} seeds"


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shortest", type=float, default=5.0, help="seconds")
    parser.add_argument("--longest", type=float, default=160.0, help="seconds")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], help="one choice by hand, as of fit")
    asked = parser.parse_args(words)
    if not torch.cuda.is_available():
        raise SystemExit("there is no GPU that torch can use here, so nothing was measured")
    by_hand = {key: parse_value(value) for key, _, value in (one.partition("=") for one in asked.set)}
    gpu = {"name": torch.cuda.get_device_name(), "cuda": torch.version.cuda}
    with tempfile.TemporaryDirectory() as folder:
        data = ready(shared_data() / "image" / "cifar10.zip", Path(folder))

        def train(seconds: float, **how: Any) -> Carried:
            return carried_out(data, seconds, device="cuda", by_hand=by_hand, **how)

        tried(
            train, asked.shortest, [0]
        )  # makes what all others use: kernels, and the GPU awake; it counts for nothing
        found = lengths(train, asked.shortest, asked.longest, range(asked.seeds))
        goals = opened(train, found, asked.seeds)
    chosen_on = [{"seconds": one.seconds, "runs": list(one.runs)} for one in found]
    name = "-".join([NAME, *sorted(key.rpartition(".")[2] for key in by_hand)])
    write(name, {"gpu": gpu, "by_hand": by_hand, "preparing_seconds": data.seconds, "tried": chosen_on, **goals})
    for goal, line in goals.items():
        print(told(goal, line))


if __name__ == "__main__":
    main()
