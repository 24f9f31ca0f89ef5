"""A few trials inside a share of the time: what one costs is measured first, on few items."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penjing.tasks._floor.examples import Examples
from penjing.tasks._floor.joined import Predictor
from penjing.tasks._floor.results import FloorResult
from penjing.tasks._floor.stopping import look

PROBE_ITEMS = 300
PROBE_STEP = 4  # a second probe with so many times the items parts the fixed cost from the cost an item
PROBE_SHARE = 0.3  # of the seconds left, the most that a second probe may take
TRIAL_SHARE = 0.6  # of the seconds; the rest is for the final fit where trials saw only some items
CAUTION = 0.8  # of the items that should fit are taken
WORTH_MORE_ITEMS = 1.3  # a final fit with less than so many times the items would change nothing
GROWTHS = 3  # final fits at most, each on what the one before leaves time for

# (settings, number of items, deadline) → the model, and the settings that give it again
Fit = Callable[[Mapping[str, Any], int, float], tuple[Predictor, dict[str, Any]]]


@dataclass(frozen=True)
class Method:
    """One kind of model to search over.

    Attributes:
        name: "linear" or "boosted_trees".
        fit: fits it once.
        trials: settings to try, the safest first.
        probe: settings that make a fit as short as it can be.
        probes_a_trial: how many probes' work a proper fit of as many items is.
        probes_at_least: the same for the shortest fit worth having, which looks at the clock after its first chunk.
        extras: further settings, tried on all items in the time that is left after the trials.
    """

    name: str
    fit: Fit
    trials: Sequence[Mapping[str, Any]]
    probe: Mapping[str, Any]
    probes_a_trial: float
    probes_at_least: float
    extras: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Trial:
    """What one fit gave: its model, its validation answers and metric, and what it cost and saw."""

    predictor: Predictor
    settings: dict[str, Any]
    answer: np.ndarray
    value: float
    seconds: float
    items: int


def search(method: Method, known: Examples, deadline: float) -> FloorResult | None:
    """The best of a few trials by the deadline (of `time.monotonic`), or None when not even one would fit."""
    started = time.monotonic()
    items, planned = _plan(method, known, deadline)
    trials: list[Trial] = []
    trials_end = deadline if items == len(known.y) or planned == 1 else started + TRIAL_SHARE * (deadline - started)

    def try_one(settings: Mapping[str, Any], share: float) -> None:
        now = time.monotonic()
        longest = max((trial.seconds for trial in trials), default=0.0)
        if now + longest <= trials_end:
            trials.append(_try(method, known, settings, items, now + share * (trials_end - now)))

    for number, settings in enumerate(method.trials[:planned]):
        try_one(settings, 1 / (planned - number))
    if not trials:
        return None
    if items == len(known.y) or planned > len(method.trials):
        # Where the plan was too careful, there is time for the rest of it; class weights are worth more than strengths.
        if len(known.class_weights) > 1:
            try_one({**_chosen(method, _best(trials, known).settings), "class_weight": "balanced"}, 1.0)
        for settings in (*method.trials[planned:], *method.extras) if items == len(known.y) else ():
            kept = _best(trials, known).settings
            weighted = {"class_weight": kept["class_weight"]} if "class_weight" in settings else {}
            try_one({**settings, **weighted}, 1.0)
    latest = best = _best(trials, known)
    for _ in range(GROWTHS):
        fitting = int(latest.items * CAUTION * (deadline - time.monotonic()) / max(latest.seconds, 1e-3))
        more = min(fitting, len(known.y))
        if more <= WORTH_MORE_ITEMS * latest.items:
            break
        latest = _try(method, known, _chosen(method, best.settings), more, deadline)
        best = _best([best, latest], known)
    return FloorResult(method.name, best.answer, time.monotonic() - started, best.settings, best.predictor, known.task)


def _plan(method: Method, known: Examples, deadline: float) -> tuple[int, int]:
    """How many items a trial gets and how many trials there are; no trial when one of the fewest items does not fit.

    All trials on all items, if they fit. Else all on fewer items, if those are not very few; else one on what fits.
    """
    # Each class once is the least that can be learned from.
    least = min(len(known.y), max(PROBE_ITEMS, len(np.unique(known.strata))))
    wanted = len(method.trials) + len(known.class_weights) - 1
    if time.monotonic() >= deadline:
        return 0, 0
    seconds = _probe(method, least)
    fixed, each = 0.0, seconds / least
    larger = min(len(known.y), PROBE_STEP * least)
    if larger > least and PROBE_STEP * seconds < PROBE_SHARE * (deadline - time.monotonic()):
        each = max((_probe(method, larger) - seconds) / (larger - least), each / PROBE_STEP)
        fixed = max(0.0, seconds - each * least)
    left = (deadline - time.monotonic()) / method.probes_a_trial
    if wanted * (fixed + each * len(known.y)) <= left:
        return len(known.y), wanted
    for trials, share in ((wanted, TRIAL_SHARE / wanted), (1, CAUTION)):
        items = min(int((share * left - fixed) / each), len(known.y))
        if items >= min(PROBE_STEP * least, len(known.y)):
            return items, trials
    shortest = seconds * method.probes_at_least
    return (max(items, least), 1) if time.monotonic() + shortest <= deadline else (0, 0)


def _probe(method: Method, items: int) -> float:
    """The seconds of the shortest fit on so many items."""
    look()
    started = time.monotonic()
    method.fit({**method.trials[0], **method.probe}, items, 0.0)
    return time.monotonic() - started


def _try(method: Method, known: Examples, settings: Mapping[str, Any], items: int, deadline: float) -> Trial:
    look()
    started = time.monotonic()
    predictor, used = method.fit(settings, items, deadline)
    answer = predictor.predict(known.x_valid)
    value = known.metric(known.y_valid, answer) if len(known.y_valid) else 0.0
    return Trial(predictor, {**used, "items": items}, answer, value, time.monotonic() - started, items)


def _best(trials: Sequence[Trial], known: Examples) -> Trial:
    """The trial validation prefers; of equals, as all are without validation, the one of most items, then the first."""
    sign = 1.0 if known.metric.is_higher_better else -1.0
    return max(trials, key=lambda trial: (sign * trial.value, trial.items))


def _chosen(method: Method, used: Mapping[str, Any]) -> dict[str, Any]:
    """The settings a trial began with, without what it recorded while it ran, to fit them once more."""
    return {name: used[name] for name in method.trials[0]}
