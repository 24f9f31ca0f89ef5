"""The honest floor: what needs no deep learning reaches on the same items, treated with the same care.

Three answers stand beside every network: always the most frequent class; a linear model; boosted trees. The last
two see simple features, try a few settings and class weights, and keep what validation prefers, all inside the seconds
given: the cost of a trial is measured on a few items first, and items are left out where all would not fit. What was
chosen is recorded, so the same models can be fitted again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from penjing.core.events import Finished, Started, Warned, Watch, tell
from penjing.core.statistics import Metric
from penjing.core.units import show_seconds
from penjing.tasks._floor.examples import Examples, clean, one_thread, quiet_sklearn, stratified_order
from penjing.tasks._floor.linear import MOST_ITERATIONS, fit_linear
from penjing.tasks._floor.results import FloorResult, Majority, Predictor, fit_again, load_floor, refit, save_floor
from penjing.tasks._floor.search import Method, search
from penjing.tasks._floor.trees import FIRST_CHUNK, fit_trees, refit_trees

__all__ = ["IMPORT_SECONDS", "FloorResult", "fit_again", "fit_floor", "load_floor", "refit", "save_floor", "warm_up"]

STRENGTHS = (0.01, 0.1, 0.001, 1.0)
GROWTHS = ((0.2, 15), (0.1, 31))  # (rate, leaves)
LINEAR_SHARE = 0.4
SAFETY = 0.8  # share of the seconds that is planned for; the rest absorbs a busy machine
IMPORT_SECONDS = 2.0
SECONDS_A_TREE = 0.0015
PROBES_A_CHUNK = 8.0  # a chunk of iterations against a probe of two, which pays for checks and first steps too


def fit_floor(
    features_train: np.ndarray,
    y_train: np.ndarray,
    features_valid: np.ndarray,
    y_valid: np.ndarray,
    classes: int,
    *,
    metric: Metric,
    seconds: float,
    seed: int = 0,
    threads: int = 1,
    watch: Watch = None,
) -> list[FloorResult]:
    """What the most frequent class, a linear model and boosted trees reach on the validation items.

    Args:
        features_train: Float[items, features] from the modality's `features`.
        y_train: Int[items], the index of each item's class.
        features_valid: the same of validation items; none at all is legal, then the first setting is kept.
        classes: number of classes, those without a training item included.
        metric: what validation chooses by.
        seconds: time for everything; a model that would not fit into it is left out, which `watch` is told.
        threads: with two or more, the linear model and the trees are fitted at the same time, one thread each. A fit
            never uses more: on a busy machine its threads wait for each other, and a fit takes many times as long.

    Returns:
        One to three results, "majority" first.
    """
    started = time.monotonic()
    tell(watch, Started("honest floor", None, "models"))
    known = Examples(
        clean(features_train), y_train, clean(features_valid), y_valid, classes, stratified_order(y_train, seed), metric
    )
    results = [_majority(known)]
    deadline = started + SAFETY * seconds
    if len(np.unique(y_train)) < 2:
        tell(watch, Warned("the training part holds a single class, so the floor is the majority class alone"))
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


def _majority(known: Examples) -> FloorResult:
    counts = np.bincount(known.y, minlength=known.classes)
    model = Majority((counts / max(counts.sum(), 1)).astype(np.float32))
    return FloorResult("majority", model.predict(known.x_valid), 0.0, {"items": len(known.y)}, model)


def _fit_both(known: Examples, deadline: float, seed: int, threads: int, watch: Watch) -> list[FloorResult]:
    now, seen = time.monotonic(), len(np.unique(known.y))
    share = 0.0 if threads > 1 else LINEAR_SHARE
    # Three or more classes cost one tree each a round; where even those do not fit, a probe would already be too long.
    is_hopeless = seen > 2 and SECONDS_A_TREE * FIRST_CHUNK * seen > (1 - share) * (deadline - now)
    linear: FloorResult | None
    trees: FloorResult | None
    if is_hopeless:
        linear, trees = search(_linear(known), known, deadline), None
    elif threads > 1:
        with ThreadPoolExecutor(2) as pool:
            futures = [
                pool.submit(_search_alone, method, known, deadline) for method in (_linear(known), _trees(known, seed))
            ]
            linear, trees = (future.result() for future in futures)
    else:
        linear = search(_linear(known), known, now + share * (deadline - now))
        trees = search(_trees(known, seed), known, deadline)
    for name, found in (("a linear model", linear), ("boosted trees", trees)):
        if found is None:
            tell(
                watch, Warned(f"{name} on {len(known.y):,} items of {seen} classes would take too long and is left out")
            )
    return [found for found in (linear, trees) if found is not None]


def _search_alone(method: Method, known: Examples, deadline: float) -> FloorResult | None:
    """`search` in a thread of its own, which OpenMP counts its threads for anew."""
    with one_thread():
        return search(method, known, deadline)


def _linear(known: Examples) -> Method:
    def fit(settings: Mapping[str, Any], items: int, deadline: float) -> tuple[Predictor, dict[str, Any]]:
        model, iterations = fit_linear(*known.some(items), known.classes, settings, deadline)
        return model, {**settings, "iterations": iterations}

    trials = [
        {"strength": strength, "class_weight": "none", "most_iterations": MOST_ITERATIONS} for strength in STRENGTHS
    ]
    return Method("linear", fit, trials, {"most_iterations": 2}, PROBES_A_CHUNK, PROBES_A_CHUNK)


def _trees(known: Examples, seed: int) -> Method:
    def fit(settings: Mapping[str, Any], items: int, deadline: float) -> tuple[Predictor, dict[str, Any]]:
        return fit_trees(*known.some(items), known.classes, settings, (known.x_valid, known.y_valid), deadline)

    trials = [{"rate": rate, "leaves": leaves, "class_weight": "none", "seed": seed} for rate, leaves in GROWTHS]
    return Method("boosted_trees", fit, trials, {}, 2 * FIRST_CHUNK, 2.0)
