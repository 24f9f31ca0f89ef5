"""The honest floor: what needs no deep learning reaches on the same items, treated with the same care.

Three answers stand beside every network: the same one for all items (the most frequent class, the mean, the share of
each label); a linear model; boosted trees. The last two see simple features, try a few settings and class weights, and
keep what validation prefers, all inside the seconds given: the cost of a trial is measured on a few items first, and
items are left out where all would not fit. What was chosen is recorded, so the same models can be fitted again.

Words are counted for the linear model alone, which weighs them by TF-IDF and naive Bayes; trees read numbers.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import numpy as np

from penjing.core.events import Finished, Started, Warned, Watch, tell
from penjing.core.statistics import Metric
from penjing.core.units import show_seconds
from penjing.tasks._floor import kinds
from penjing.tasks._floor.constant import Majority
from penjing.tasks._floor.examples import Examples, one_thread, quiet_sklearn, strata_of, stratified_order
from penjing.tasks._floor.features import Features, Given, as_features, side_by_side
from penjing.tasks._floor.joined import Predictor
from penjing.tasks._floor.linear import fit_linear
from penjing.tasks._floor.results import FloorResult, fit_again, load_floor, refit, save_floor
from penjing.tasks._floor.search import Method, search
from penjing.tasks._floor.stopping import ended_by
from penjing.tasks._floor.trees import FIRST_CHUNK, refit_trees

__all__ = [
    "IMPORT_SECONDS",
    "Features",
    "FloorResult",
    "fit_again",
    "fit_floor",
    "load_floor",
    "refit",
    "save_floor",
    "side_by_side",
    "warm_up",
]

LINEAR_SHARE = 0.4
SAFETY = 0.8  # share of the seconds that is planned for; the rest absorbs a busy machine
IMPORT_SECONDS = 2.0
SECONDS_A_TREE = 0.0015
PROBES_A_CHUNK = 8.0  # a chunk of iterations against a probe of two, which pays for checks and first steps too


def fit_floor(
    features_train: Given,
    y_train: np.ndarray,
    features_valid: Given,
    y_valid: np.ndarray,
    outputs: int,
    *,
    metric: Metric,
    seconds: float,
    task: str = "classify",
    seed: int = 0,
    threads: int = 1,
    watch: Watch = None,
) -> list[FloorResult]:
    """What one answer for all, a linear model and boosted trees reach on the validation items.

    Args:
        features_train: Float[items, features] from the modality's `features`, sparse counts, or `Features` with both.
        y_train: the encoded targets of known items: Int[items] classes, Float[items] numbers, or Int[items, labels].
        features_valid: the same of validation items; none at all is legal, then the first setting is kept.
        outputs: number of classes, those without a training item included; 1 for a number; number of labels.
        metric: what validation chooses by.
        seconds: time for everything; a model that would not fit into it is left out, which `watch` is told.
        task: "classify", "regress" or "tag".
        threads: with two or more, the linear model and the trees are fitted at the same time, one thread each. A fit
            never uses more: on a busy machine its threads wait for each other, and a fit takes many times as long.

    Returns:
        One to three results, "majority" (for a number "mean") first; without trees where there are only counts.
    """
    started = time.monotonic()
    tell(watch, Started("honest floor", None, "models"))
    strata = strata_of(task, y_train)
    order = stratified_order(strata, seed)
    known = Examples(
        task, as_features(features_train), y_train, as_features(features_valid), y_valid, outputs, strata, order, metric
    )
    results = [_constant(known)]
    deadline = started + SAFETY * seconds
    if len(np.unique(y_train, axis=0)) < 2:
        one, name = ("number", "mean") if task == "regress" else ("class", "majority class")
        tell(watch, Warned(f"the training part holds a single {one}, so the floor is the {name} alone"))
    elif "sklearn" not in sys.modules and seconds < IMPORT_SECONDS:
        tell(watch, Warned(f"{show_seconds(seconds)} are too few to fit a linear model and trees beside the network"))
    else:
        warm_up()
        with one_thread(), quiet_sklearn():
            results += _fit_both(known, deadline, seed, threads, watch)
    tell(watch, Finished("honest floor", time.monotonic() - started))
    return results


def warm_up() -> None:
    """Pay for imports and first calls before any trial is timed."""
    x, y = np.arange(8, dtype=np.float32).reshape(8, 1), np.arange(8) % 2
    settings = {"rate": 0.1, "leaves": 2, "class_weight": "none", "seed": 0, "chunks": [1], "rounds": 1}
    with one_thread(), quiet_sklearn():
        fit_linear(x, y, 2, {"strength": 1.0, "class_weight": "none", "most_iterations": 1}, 0.0)
        refit_trees(x, y, 2, settings)


def _constant(known: Examples) -> FloorResult:
    model = Majority.learn(known.task, known.y, known.outputs)
    name = "mean" if known.task == "regress" else "majority"
    return FloorResult(name, model.predict(known.x_valid), 0.0, {"items": len(known.y)}, model, known.task)


def _fit_both(known: Examples, deadline: float, seed: int, threads: int, watch: Watch) -> list[FloorResult]:
    now = time.monotonic()
    has_trees = known.x.for_trees.shape[1] > 0
    share = LINEAR_SHARE if has_trees and threads < 2 else 0.0
    linear: FloorResult | None
    trees: FloorResult | None = None
    if not has_trees or _is_hopeless(known, (1 - share) * (deadline - now)):
        linear = search(_linear(known), known, deadline)
    elif threads > 1:
        linear, trees = _search_beside((_linear(known), _trees(known, seed)), known, deadline)
    else:
        linear = search(_linear(known), known, now + share * (deadline - now))
        trees = search(_trees(known, seed), known, deadline)
    missing = [("a linear model", linear)] + ([("boosted trees", trees)] if has_trees else [])
    for name, found in missing:
        if found is None:
            tell(watch, Warned(f"{name} on {_described(known)} would take too long and is left out"))
    return [found for found in (linear, trees) if found is not None]


def _is_hopeless(known: Examples, seconds: float) -> bool:
    """Whether not even the first rounds of trees fit: many classes cost one tree each a round, labels likewise."""
    trees = _trees_a_round(known)
    # Where even those do not fit, a probe would already be too long.
    return trees > 2 and SECONDS_A_TREE * FIRST_CHUNK * trees > seconds


def _trees_a_round(known: Examples) -> int:
    if known.task == "regress":
        return 1
    return known.outputs if known.task == "tag" else len(np.unique(known.y))


def _described(known: Examples) -> str:
    if known.task == "classify":
        return f"{len(known.y)} items of {len(np.unique(known.y))} classes"
    return f"{len(known.y)} items" + (f" with {known.outputs} labels" if known.task == "tag" else "")


def _search_beside(methods: Sequence[Method], known: Examples, deadline: float) -> list[FloorResult | None]:
    """`search` for each method at once. Where a person stops it, or one of them fails, the others end soon, too."""
    stop = Event()
    with ThreadPoolExecutor(len(methods)) as pool:
        try:
            futures = [pool.submit(_search_alone, method, known, deadline, stop) for method in methods]
            return [future.result() for future in futures]
        except BaseException:
            stop.set()
            raise


def _search_alone(method: Method, known: Examples, deadline: float, stop: Event) -> FloorResult | None:
    """`search` in a thread of its own, which OpenMP counts its threads for anew."""
    with one_thread(), ended_by(stop):
        return search(method, known, deadline)


def _linear(known: Examples) -> Method:
    trials = kinds.linear_trials(known.task, known.x, known.y)
    is_one_step = known.task == "regress"
    probes = 1.0 if is_one_step else PROBES_A_CHUNK
    return Method(
        "linear", _fitting(known, "linear"), trials, {} if is_one_step else {"most_iterations": 2}, probes, probes
    )


def _trees(known: Examples, seed: int) -> Method:
    trials, extras = kinds.tree_trials(known.task, known.y, seed)
    if _trees_a_round(known) > 2:
        extras = []  # more rounds are worth more than more settings
    return Method("boosted_trees", _fitting(known, "boosted_trees"), trials, {}, 2 * FIRST_CHUNK, 2.0, extras)


def _fitting(
    known: Examples, method: str
) -> Callable[[Mapping[str, Any], int, float], tuple[Predictor, dict[str, Any]]]:
    """How a trial of a method is fitted on the first so many items."""

    def fit(settings: Mapping[str, Any], items: int, deadline: float) -> tuple[Predictor, dict[str, Any]]:
        valid = known.x_valid, known.y_valid
        return kinds.fit(known.task, method, *known.some(items), known.outputs, settings, valid, deadline)

    return fit
