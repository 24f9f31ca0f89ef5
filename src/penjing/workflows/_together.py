"""Training and validation items taken together in a treatment, where the two are of different kinds or there are few.

What it is worth to learn from both cannot be shown by items of one of them. So folds of both choose and judge: recipes
as they are learn from training items and choose on validation items all the same, and one with folds learns from both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from penjing.core import split
from penjing.core.finding import Finding
from penjing.core.recipe import Recipe, change
from penjing.core.report.text import many
from penjing.core.split import FOLDS_WITHOUT_TEST
from penjing.workflows._allowance import GROWING_SLACK, Allowance
from penjing.workflows._trials import Bench

REMEDY = "cross_validate"
DRIFT, FEW = "drift", "few_examples"
BY_TIME = "the data have a time, and folds would learn from what comes later"
NO_TIME = "there is no time to train a network for each fold"
ENOUGH = "a part is kept for verdicts, so that there are enough items"
# Where nothing points at it, folds are tried if the new run takes so much of the time at most.
CHEAP_SHARE = 0.25


def speaking_for(bench: Bench, findings: Sequence[Finding]) -> Finding | None:
    """What speaks for taking training and validation items together: a finding, or that there are too few items for a
    part that is kept for verdicts; None where nothing does."""
    if bench.prepared.split.folds:
        return None
    found = sorted((one for one in findings if one.name in (DRIFT, FEW)), key=lambda one: one.name != DRIFT)
    return found[0] if found else few(bench)


def few(bench: Bench) -> Finding | None:
    """That there are too few items for a part that is kept for verdicts, or None."""
    if bench.judged_on == "confirm" or bench.prepared.split.folds:
        return None
    learned, choosing = (len(bench.prepared.rows(part)) for part in ("train", "valid"))
    message = f"{many(learned, 'item')} {'is' if learned == 1 else 'are'} learned from, and {choosing:,} validate."
    return Finding(FEW, "info", message)


def why(found: Finding) -> str:
    """What speaks for it, in words."""
    if found.name == DRIFT:
        return "validation items are of another kind than those that are learned from"
    return "few items are learned from, and more could be"


def together(bench: Bench) -> Bench:
    """The bench with all items outside the test part read in folds."""
    prepared = bench.prepared
    classes = np.full(len(prepared.truth), -1)
    rows = prepared.rows("train", "valid", "confirm")
    classes[rows] = prepared.strata(rows)
    dealt = split.in_folds(prepared.split, classes, FOLDS_WITHOUT_TEST)
    return replace(bench, prepared=replace(prepared, split=dealt), mixes_parts=True)


def why_apart(bench: Bench, found: Finding, time: Allowance, seconds: float) -> str:
    """Why the items are not to be taken together; "" where they can be.

    Args:
        bench: with the items taken together.
        found: what speaks for it.
        time: of the treatment, with a new run that has folds.
        seconds: that a training of the run took, as far as is known.
    """
    if bench.prepared.table.role("time"):
        return BY_TIME
    share = (
        1.0
        if found.is_trouble or len(bench.prepared.rows("valid")) >= len(bench.prepared.rows("train"))
        else CHEAP_SHARE
    )
    is_dear = GROWING_SLACK * time.growing * seconds > share * time.clock.left
    return NO_TIME if is_dear or seconds > time.first() else ""


def with_folds(recipe: Recipe) -> Recipe:
    """The recipe that learns from both."""
    return change(recipe, {"split.folds": FOLDS_WITHOUT_TEST})


def told_apart(finding: Finding, why: str) -> Finding:
    """A finding with the reason why items are not taken together, where it would speak for that."""
    if finding.name not in (DRIFT, FEW):
        return finding
    return replace(finding, evidence={**finding.evidence, "apart": why})
