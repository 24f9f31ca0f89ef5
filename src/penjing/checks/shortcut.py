"""It answers by what stands at the border of a picture, and not by what the picture shows.

**What it sees.** The trained network's metric on validation pictures with the centre hidden, and with the border
hidden, as large an area each: what is left of what it has over the constant answer. Either it survives without the
centre and not without the border, or the border matters clearly more than the centre does. And what a linear model has
that is shown nothing but the border, beside one that is shown nothing but the centre: nearly as much as the best that
sees all (the network, or a simple model), and clearly more, or as much where the network loses much without the border.

**Why it is bad.** A caption, a frame, a lamp or a ruler tells the class in these data; elsewhere it will not.

**Known false alarms.** Where what matters stands at the border (a map's edge, a horizon) that is no shortcut: look at
the pictures. A network that never saw a hidden part answers such pictures worse for that reason alone; hence the
border must matter and the centre must not.

**What to do.** Look at "Where it looked" in the report. Where the border should not matter, `penjing treat` hides it
from the network (`--set training.border=0.1` does so from the beginning); or gather pictures in which it tells nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from penjing.checks._examples import example_trials
from penjing.checks._trials import EDGE, beside, error_behind, itself_beside, last_of, unit_of
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("trials.hidden",)
PICTURE = "trials"
# Of what it has over the constant answer: healthy networks kept 0.2 to 0.7 with the centre hidden, and 0.7 to 1 with
# the border hidden, on digits, clothes and CIFAR-10.
KEPT = 0.8  # with the centre hidden
LEFT = 0.4  # with the border hidden
LOST = 0.7  # with the border hidden, where that surely costs more than the centre
LEAST = 0.1  # of the metric, that it has over the constant answer
# A linear model of the border alone had 0.4 to 0.84 of it on digits, clothes and CIFAR-10, and 0.9 to 1.01 where a
# mark at the border tells the class.
ALONE = 0.88


def look(record: Record) -> Finding | None:
    """What the border tells and the centre does not, or None where the centre matters."""
    last = last_of(record, "hidden")
    rows = {row["setting"]: row for row in beside(record, "hidden", last).iter_rows(named=True)}
    itself = itself_beside(record, last)
    over = _over(itself, itself["value"])
    if over < LEAST * unit_of(itself):
        return None
    best = max(over, _over(itself, itself.get("simple")))  # what a weak network leaves others take
    left = {
        where: (over + float(row["gain"])) / (best if where.endswith("alone") else over) for where, row in rows.items()
    }
    told = _by_the_network(rows, left) or _by_the_border_alone(rows, left) or _by_both(rows, left)
    if not told:
        return None
    return Finding(
        name="shortcut",
        level="warning",
        message=f"It may answer by the border of the pictures: {told}. Look at where it looked in the report; if the "
        "border should not matter, hide it (--set training.border=0.1, or treat), or gather pictures in which it tells "
        "nothing.",
        evidence={f"left, {where}": share for where, share in left.items()},
        remedies=("--set training.border=0.1",),
    )


def _over(itself: Mapping[str, Any], value: float | None) -> float:
    """How much better a value is than that of the constant answer; below 0 where it is worse, 0 where there is none."""
    if value is None:
        return 0.0
    sign = 1 if itself["is_higher_better"] else -1
    return sign * float(value - itself["floor"])


def _by_the_network(rows: Mapping[str, Any], left: Mapping[str, float]) -> str:
    """What the network lost with either part hidden, "" where the centre matters to it."""
    if not {"centre", "border"} <= set(rows):
        return ""
    is_at_border = left["centre"] >= KEPT and left["border"] <= LEFT
    if not is_at_border and not (left["border"] <= LOST and _is_worse(rows["border"], rows["centre"])):
        return ""
    return (
        f"with their centre hidden {left['centre']:.0%} of what it has over the constant answer is left, with their "
        f"border hidden {left['border']:.0%}"
    )


def _by_the_border_alone(rows: Mapping[str, Any], left: Mapping[str, float]) -> str:
    """What a linear model reads off the border alone, "" where that is not nearly all, or no more than off the
    centre."""
    border, centre = "border alone", "centre alone"
    if not {border, centre} <= set(rows) or left[border] < ALONE or not _is_worse(rows[centre], rows[border]):
        return ""
    return (
        f"a linear model that is shown nothing else reaches {left[border]:.0%} of what the best model that sees all "
        f"has over the constant answer, and {left[centre]:.0%} where it is shown nothing but the centre"
    )


def _by_both(rows: Mapping[str, Any], left: Mapping[str, float]) -> str:
    """What the border alone tells and the network loses without it, where that is nearly all and much, and the centre
    is not clearly ahead in either: "" elsewhere. A network that reads both leaves neither sign clear by itself."""
    if not {"centre", "border", "border alone", "centre alone"} <= set(rows):
        return ""
    is_told = left["border alone"] >= ALONE and not _is_worse(rows["border alone"], rows["centre alone"])
    is_lost = left["border"] <= LOST and not _is_worse(rows["centre"], rows["border"])
    if not is_told or not is_lost:
        return ""
    return (
        f"a linear model that is shown nothing else reaches {left['border alone']:.0%} of what the best model that "
        f"sees all has over the constant answer, and with it hidden {left['border']:.0%} of what the network has "
        "is left"
    )


def _is_worse(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether what one way of showing the pictures gave is clearly less than what another gave."""
    spread = [error_behind(row["gain_low"], row["gain_high"]) for row in (one, other)]
    return bool(other["gain"] - one["gain"] > EDGE * math.hypot(*spread))


def sick() -> Record:
    """A network that reads the corner."""
    return example_trials(
        {"experiment": "hidden", "setting": "centre", "gain": -0.05},
        {"experiment": "hidden", "setting": "border", "gain": -0.6},
    )


def healthy() -> Record:
    """A network that looks at the centre."""
    return example_trials(
        {"experiment": "hidden", "setting": "centre", "gain": -0.6},
        {"experiment": "hidden", "setting": "border", "gain": -0.05},
    )
