"""Training and validation items taken together in a treatment, where the two are of different kinds or there are few.

What it is worth to learn from both cannot be shown by items of one of them. So folds of both choose and judge: recipes
as they are learn from training items and choose on validation items all the same, and one with folds learns from both.
Where a finding points at it, or fewer are learned from than validate, all of a treatment is done so; else it is tried
at last, on top of what is kept.

bench, findings, time → plan → (search and verdicts of a treatment) → what it is worth on top of what is kept
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from penjing.core import split
from penjing.core.differences import Difference, Verdict
from penjing.core.finding import Finding
from penjing.core.recipe import Recipe, change
from penjing.core.report.text import many
from penjing.core.split import FOLDS_WITHOUT_TEST
from penjing.remedies import Suited
from penjing.workflows._allowance import Allowance
from penjing.workflows._judging import FEWEST_ARMS, Judging
from penjing.workflows._trials import Bench

REMEDY = "cross_validate"
DRIFT, FEW = "drift", "few_examples"
TOGETHER = "training and validation items are taken together"
FEWEST_GROUPS = 2 * FOLDS_WITHOUT_TEST  # of either part, so that folds leave some of both
BY_TIME = "the data have a time, and folds would learn from what comes later"
NO_TIME = "there is no time to train a network for each fold"
FEW_GROUPS = "the items of a part are of too few groups for folds"
UNJUDGED = "there was no time or memory left to judge folds of both parts"
ENOUGH = "a part is kept for verdicts, so that there are enough items"


@dataclass(frozen=True)
class Plan:
    """How a treatment takes training and validation items.

    Attributes:
        bench: what chooses and judges: with both parts taken together, or as they are.
        apart: the bench with the parts as they are.
        time: of the treatment.
        first: the remedy that learns from both, with what speaks for it, where that is so from the beginning.
        why_apart: what speaks for it and cannot be followed tells why; "" where nothing is told.
        untimed: what speaks for it, where there is no time.
    """

    bench: Bench
    apart: Bench
    time: Allowance
    first: tuple[Suited, ...] = ()
    why_apart: str = ""
    untimed: Finding | None = None

    @property
    def finding(self) -> str:
        """The name of what speaks for learning from both."""
        return self.first[0].finding.name if self.first else FEW

    def without_time(self) -> Plan:
        """The same where the first training shows that there is no time for folds of the new run."""
        return replace(self, first=(), untimed=self.first[0].finding)


class Followed(NamedTuple):
    """What it is worth to learn from both on top of what is kept."""

    difference: Difference
    verdict: Verdict
    why: str


def planned(bench: Bench, findings: Sequence[Finding], is_named: bool, time: Allowance, seconds: float) -> Plan:
    """How to take the items: together from the beginning where something speaks for it, or to be tried at last, or
    apart.

    Args:
        bench: with the parts as they are.
        findings: of the run.
        is_named: whether a person asked for it.
        time: of the treatment; where it is tried at last, it is set aside for that.
        seconds: that a training of the run took, as far as is known.
    """
    plan, found = Plan(bench, bench, time), speaking_for(bench, findings)
    if found is None and not can_follow(bench):
        return replace(plan, why_apart=ENOUGH if bench.judged_on == "confirm" else "")
    taken, first = together(bench), found or few(bench)
    longer = time.for_folds(taken.prepared.split.folds, taken.judged_on)
    reason = why_apart(taken, longer, seconds)
    if reason == NO_TIME:
        return replace(plan, untimed=first)
    if reason:
        return replace(plan, first=(Suited(REMEDY, told_apart(first, reason), 1.0),), why_apart=reason)
    if found or is_named:
        return replace(plan, bench=taken, time=longer, first=(Suited(REMEDY, first, 1.0),))
    return replace(plan, time=replace(time, is_followed=time.growing > 0))


def followed(judging: Judging, recipe: Recipe, seconds: float, say: Callable[[str, str], None]) -> Followed | None:
    """What it is worth to learn from validation items too, on top of a recipe, by folds of both parts; None where there
    is no time to tell.

    Args:
        judging: the verdicts of the treatment so far, of which this is one more.
        recipe: what is kept so far.
        seconds: of one training of that.
        say: (choice, why) → tells and writes down what is decided of the judging.
    """
    bench = judging.bench if judging.bench.mixes_parts else together(judging.bench)
    time = judging.time.for_folds(bench.prepared.split.folds, bench.judged_on)
    time = replace(time, is_followed=False, base_seconds=seconds)
    if time.until_judging(seconds) < 0:
        return None
    if bench is not judging.bench:
        say(TOGETHER, why(few(bench)))
    anew = replace(judging, bench=bench, time=time, telling_seconds=0.0)
    anew.go_on()
    arms = anew.arms([recipe, with_folds(recipe)], seconds, time.most_turns)
    if len(arms) < FEWEST_ARMS:
        return None
    difference, verdict = anew.verdicts([arms[0], arms[1]]).stages[0]
    return Followed(difference, verdict, anew.why(difference))


def speaking_for(bench: Bench, findings: Sequence[Finding]) -> Finding | None:
    """What speaks for taking training and validation items together from the beginning: a finding, or that fewer items
    are learned from than validate, what belongs together counted once; None where nothing does."""
    if bench.prepared.split.folds:
        return None
    found = [one for one in findings if one.name == DRIFT or (one.name == FEW and one.is_trouble)]
    learned, choosing = (_groups(bench, part) for part in ("train", "valid"))
    if learned <= choosing and bench.judged_on != "confirm":
        found.append(few(bench))
    return min(found, key=lambda one: one.name != DRIFT, default=None)


def few(bench: Bench) -> Finding:
    """That few items are learned from."""
    learned, choosing = (len(bench.prepared.rows(part)) for part in ("train", "valid"))
    groups = _groups(bench, "train")
    told = many(learned, "item") + (f" in {many(groups, 'group')}" if groups < learned else "")
    message = f"{told} {'is' if learned == 1 else 'are'} learned from, and {choosing:,} validate."
    return Finding(FEW, "info", message)


def _groups(bench: Bench, part: str) -> int:
    """How many items a part has, those that belong together counted once."""
    return len(np.unique(bench.prepared.groups[bench.prepared.rows(part)]))


def why(found: Finding) -> str:
    """What speaks for it, in words."""
    if found.name == DRIFT:
        return "validation items are of another kind than those that are learned from"
    return "few items are learned from, and more could be"


def can_follow(bench: Bench) -> bool:
    """Whether there are too few items for a part that is kept for verdicts, and they are not taken together yet."""
    is_open = not bench.mixes_parts and not bench.prepared.split.folds
    return is_open and bench.judged_on == "folds" and len(bench.prepared.rows("valid")) > 0


def together(bench: Bench) -> Bench:
    """The bench with all items outside the test part read in folds."""
    prepared = bench.prepared
    classes = np.full(len(prepared.truth), -1)
    rows = prepared.rows("train", "valid", "confirm")
    classes[rows] = prepared.strata(rows)
    dealt = split.in_folds(prepared.split, classes, FOLDS_WITHOUT_TEST)
    taken = replace(prepared, split=dealt)
    # Labels are doubted by the names of deals, and others have these now.
    return replace(bench, prepared=taken, mixes_parts=True, doubted=None, _pairs={}, _doubts={})


def why_apart(bench: Bench, time: Allowance, seconds: float) -> str:
    """Why the items are not to be taken together; "" where they can be.

    Args:
        bench: with the items taken together.
        time: of the treatment, with a new run that has folds.
        seconds: that a training of the run took, as far as is known.
    """
    if bench.has_time:
        return BY_TIME
    if min(_groups(bench, part) for part in ("train", "valid")) < FEWEST_GROUPS:
        return FEW_GROUPS
    return NO_TIME if replace(time, base_seconds=seconds).longest() < seconds else ""


def with_folds(recipe: Recipe) -> Recipe:
    """The recipe that learns from both."""
    return change(recipe, {"split.folds": FOLDS_WITHOUT_TEST})


def told_apart(finding: Finding, why: str) -> Finding:
    """A finding with the reason why items are not taken together, where it would speak for that."""
    if finding.name not in (DRIFT, FEW):
        return finding
    return replace(finding, evidence={**finding.evidence, "apart": why})
