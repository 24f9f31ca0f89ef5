"""How cost grows with data and network, from all points of bench/results/scaling.json: table, verdict, picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

from penjing.core.units import show_bytes

Record = Mapping[str, Any]
TOLERANCE = 0.1  # of an exponent: what is off by no more counts as linear


@dataclass(frozen=True)
class Axis:
    """What grows, and which cost is held against it.

    Attributes:
        what: grows; its name for people.
        cost: the cost in a point of the record.
        of: the cost's name for people.
        power: of the size in the record: pixels are the square of a side.
        size: its name in a point of the record.
    """

    what: str
    size: str
    cost: str
    of: str
    power: int = 1


AXES: Mapping[str, Axis] = {
    "rows": Axis("rows", "rows", "pass_seconds", "a pass over them"),
    "side": Axis("pixels of a picture", "side", "processor_seconds", "a step", 2),
    "classes": Axis("classes", "classes", "processor_seconds", "a step"),
    "width": Axis("weights", "weights", "processor_seconds", "a step"),
}
FLAT = ("rows",)  # along which memory should not grow at all


@dataclass(frozen=True)
class Line:
    """A power law through points: the straight line of least squares between their logarithms.

    Attributes:
        exponent: 0 where more costs nothing, 1 where twice as much costs twice.
        largest_miss: how far a point lies off the line at most, as a share of its cost.
        steepest: the largest exponent between two neighbours.
    """

    exponent: float
    largest_miss: float
    steepest: float


def fitted(sizes: Sequence[float], costs: Sequence[float]) -> Line:
    """The power law of costs over sizes, which are above 0 and grow."""
    x, y = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    middle, height = mean(x), mean(y)
    exponent = sum((one - middle) * (other - height) for one, other in zip(x, y, strict=True)) / sum(
        (one - middle) ** 2 for one in x
    )
    misses = [abs(other - height - exponent * (one - middle)) for one, other in zip(x, y, strict=True)]
    pieces = [(after[1] - before[1]) / (after[0] - before[0]) for before, after in pairwise(zip(x, y, strict=True))]
    return Line(exponent, math.expm1(max(misses)), max(pieces))


def verdict(line: Line) -> str:
    """Whether a cost is linear; where it grows faster, in the whole or between two neighbours, that is not reached."""
    if max(line.exponent, line.steepest) > 1 + TOLERANCE:
        return "more than linear **not reached**"
    return "linear" if line.exponent >= 1 - TOLERANCE else "less than linear"


def memory_verdict(axis: str, line: Line) -> str:
    """The same for memory, which should not grow at all along some axes."""
    if axis in FLAT:
        return "flat" if line.exponent <= TOLERANCE else "not flat **not reached**"
    return verdict(line)


def shown(seconds: float) -> str:
    """Seconds, or milliseconds where they are few."""
    return f"{seconds:,.1f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"


def row(name: str, points: Sequence[Record]) -> list[str]:
    """One axis of the table."""
    axis = AXES[name]
    sizes = [point[axis.size] ** axis.power for point in points]
    costs, memory = [point[axis.cost] for point in points], [point["anonymous_bytes"] for point in points]
    line, own = fitted(sizes, costs), fitted(sizes, memory)
    return [
        f"{axis.what}, {sizes[0]:,} to {sizes[-1]:,}",
        f"{axis.of}: {shown(costs[0])} to {shown(costs[-1])}",
        f"{line.exponent:.2f}",
        f"{100 * line.largest_miss:.0f} %",
        f"{line.steepest:.2f}",
        verdict(line),
        f"{show_bytes(memory[0])} to {show_bytes(memory[-1])}",
        f"{own.exponent:.2f}, {memory_verdict(name, own)}",
    ]


HEADER = (
    "what grows",
    "what it costs",
    "exponent",
    "off the line at most",
    "steepest piece",
    "verdict",
    "own memory",
    "exponent of memory",
)


def said(result: Record, picture: str, table: Any) -> str:
    """The section of the page. `table` makes one of a header and rows."""
    return (
        "An exponent of 0: more costs nothing; 1: twice as much costs twice; no more than 1 is asked, and no growth of "
        "memory with rows. It is fitted to the logarithms of all points; the steepest piece is that between two "
        "neighbours. Each point is some seconds of steps of 64 random pictures of a raw file of all rows, mapped from "
        "the disk: nothing is decoded, and the system may hold the file. A pass is the seconds of a step on that many "
        "rows, on the wall, times the steps that the rows make; a step is in processor time. Larger pictures get a "
        "network whose first layer moves further.\n\n"
        f"{table(HEADER, [row(name, points) for name, points in result['axes'].items()])}\n\n"
        f"![Time and memory against what grows]({picture})"
    )


def draw(axes: Mapping[str, Sequence[Record]], file: Path) -> None:
    """Time and memory of every point, as SVG; the same record gives the same bytes."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    with mpl.rc_context({"svg.hashsalt": "penjing", "svg.fonttype": "none"}):
        figure, panels = pyplot.subplots(
            2, len(axes), figsize=(3.2 * len(axes), 5.2), layout="constrained", squeeze=False
        )
        for (axis, points), (upper, lower) in zip(axes.items(), panels.T, strict=True):
            along = [point[AXES[axis].size] for point in points]
            upper.loglog(along, [1000 * point["processor_seconds"] for point in points], "o-")
            lower.loglog(along, [point["anonymous_bytes"] / 1e6 for point in points], "o-")
            upper.set_title(AXES[axis].size)
        panels[0, 0].set_ylabel("a step, ms of processor time")
        panels[1, 0].set_ylabel("memory of its own, MB")
        figure.savefig(file, metadata={"Date": None})
        pyplot.close(figure)
