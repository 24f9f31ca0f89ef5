"""Which way to do the arithmetic a training takes on this machine, and what is told of those that were measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from penjing.core.budget import Clock
from penjing.core.events import Decided
from penjing.core.recipe import Machine, Recipe
from penjing.core.report.text import many
from penjing.training import engine
from penjing.training._probe import MOST_SECONDS, Probed
from penjing.training.engine import Problem

# Of the whole time, and what is least of a time so short that nothing could be measured in its share.
PROBE_SHARE, LEAST_PROBE_SECONDS = 0.03, 0.3
# Of the probe's time, what is kept to look at the two best settings again on the network and batch that are chosen
# after it, and how much of it must be left for that.
CHECK_SHARE, LEAST_CHECK_SECONDS = 0.3, 0.1
TOO_SLOW = "far too slow: its first update was its last"


def probe_seconds(seconds: float) -> float:
    """What measuring the arithmetic may take of so many seconds: `PROBE_SHARE` of them, `MOST_SECONDS` at most, and at
    least `LEAST_PROBE_SECONDS`, which are more than the share of a time under ten seconds."""
    return min(max(LEAST_PROBE_SECONDS, PROBE_SHARE * seconds), MOST_SECONDS)


def probed(
    problem: Problem, recipe: Recipe, by_hand: Mapping[str, Any], clock: Clock, decide: Any
) -> tuple[Recipe, float, list[Probed]]:
    """The recipe with the fastest right setting for its network, seconds of an update, and all that were measured."""
    seconds = probe_seconds(clock.limit_seconds)
    kept = CHECK_SHARE * seconds
    with clock.stage("probe"):
        machine, measured = engine.fastest(recipe, problem, seconds - kept if kept >= LEAST_CHECK_SECONDS else seconds)
    machine = replace(machine, **by_hand)
    decide(decided_of(machine, measured, by_hand))
    same = [one.step_seconds for one in measured if one.machine == machine]
    step_seconds = min(same, default=min(one.step_seconds for one in measured))
    return replace(recipe, machine=machine), step_seconds, measured


def is_another(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes' updates differ in shape."""
    shapes = [(each.model, each.encoders, each.training.batch_size) for each in (one, other)]
    return shapes[0] != shapes[1]


def checked(
    problem: Problem, recipe: Recipe, measured: Sequence[Probed], by_hand: Mapping[str, Any], clock: Clock, decide: Any
) -> Recipe:
    """The better of the two best settings on the network and batch of the recipe, which are others than those measured,
    as far as the probe's time goes."""
    best = sorted((one for one in measured if one.is_right and not one.is_hopeless), key=lambda one: one.step_seconds)
    seconds = probe_seconds(clock.limit_seconds) - clock.spent.get("probe", 0.0)
    if len(best) < 2 or seconds < LEAST_CHECK_SECONDS:
        return recipe
    judge = replace(best[0].machine, number_format="float32")
    among = list(dict.fromkeys([judge, *(one.machine for one in best[:2])]))
    with clock.stage("probe"):
        machine, again = engine.fastest(recipe, problem, seconds, among=among)
    if len(again) < 2:  # one update takes nearly all of the time
        return recipe
    machine = replace(machine, **by_hand)
    decide(decided_of(machine, again, by_hand, "on the network and batch that learn, "))
    return replace(recipe, machine=machine)


def decided_of(machine: Machine, measured: Sequence[Probed], by_hand: Mapping[str, Any], where: str = "") -> Decided:
    """The setting that is taken, why, and in its evidence every setting with its figures.

    Args:
        machine: the setting, with what was set by hand.
        measured: the settings that were measured, at least one.
        by_hand: what was set by hand of it.
        where: what it was measured on, before the milliseconds; "" for the network before it has its size.
    """
    same = [one for one in measured if one.machine == machine]
    taken = min((one.step_seconds for one in same or measured), default=math.nan)
    slowest = max(one.step_seconds for one in measured)
    why = f"{where}{taken * 1000:.1f} ms an update; the slowest of {len(measured)} took {slowest * 1000:.1f} ms"
    doubt = _doubt(machine, same[0] if same else None) if by_hand else ""
    step_seconds = {arithmetic(one.machine): one.step_seconds for one in measured}
    evidence = {"step_seconds": step_seconds, "settings": [_figures(one, machine) for one in measured]}
    return Decided("arithmetic", arithmetic(machine), why + doubt, evidence)


def arithmetic(machine: Machine) -> str:
    """A setting in a few words."""
    return f"{machine.number_format}, {many(machine.threads, 'thread')}"


def _doubt(machine: Machine, measured: Probed | None) -> str:
    """What speaks against a setting that was chosen by hand, to follow its figures. Float32 is what others are judged
    by."""
    if machine.number_format == "float32":
        return ""
    if measured is None:
        return "; set by hand, and whether its results are right was not measured"
    if not measured.is_right:
        return f"; set by hand, and its results are wrong here: {measured.agreement.fault}"
    return ""


def _figures(one: Probed, chosen: Machine) -> dict[str, Any]:
    """One setting as the ledger and the report have it."""
    return {
        "setting": f"{arithmetic(one.machine)}, {one.machine.layout.replace('_', ' ')}",
        "ms": 1000 * one.step_seconds,
        "error": _finite(one.agreement.error),
        "cosine": _finite(one.agreement.cosine),
        "refused": one.agreement.fault or (TOO_SLOW if one.is_hopeless else ""),
        "is_chosen": one.machine == chosen,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
