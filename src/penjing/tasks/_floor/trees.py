"""Boosted trees on the most telling features, grown until validation or the clock says stop."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from penjing.tasks._floor.examples import strata_of
from penjing.tasks._floor.features import Features, Given, as_features
from penjing.tasks._floor.ridge import Target
from penjing.tasks._floor.stopping import look

FIRST_CHUNK = 4  # rounds before the first look at the clock; each later chunk doubles what is there
MOST_ROUNDS = 512
MOST_COLUMNS = 256
BINS = 31  # 255 cost two to three times as much with few items and score no better in the same time
FINE_BINS, FEW_CELLS = 255, 2_000_000  # but a table is soon done
LARGEST_LEAF_MINIMUM = 20
JUDGES = 2000  # validation items that early stopping looks at
CAUTION = 1.3  # later rounds grow larger trees than earlier ones


@dataclass(frozen=True)
class Trees:
    """A fitted ensemble.

    Attributes:
        model: the scikit-learn classifier or regressor.
        columns: Int[columns], the features it reads.
        rounds: how many of its rounds are used.
        outputs: number of classes in the data, those that it never met included; 1 for a number.
        target: how a number is learned; None for classes.
    """

    model: Any
    columns: np.ndarray
    rounds: int
    outputs: int
    target: Target | None = None

    def predict(self, features: Given) -> np.ndarray:
        """Float32[items, outputs]: probabilities of classes, or a number."""
        found = np.zeros((len(features), self.outputs), dtype=np.float32)
        if len(features):
            given = as_features(features).for_trees[:, self.columns]
            answers = deque(islice(_stages(self.model, given), self.rounds), maxlen=1).pop()
            if self.target is not None:
                return self.target.back(answers)
            found[:, self.model.classes_] = answers
        return found


def telling_columns(features: np.ndarray, y: np.ndarray, most: int = MOST_COLUMNS) -> np.ndarray:
    """Int[columns]: the features whose class means differ most for their spread (the F ratio), in ascending order."""
    if features.shape[1] <= most:
        return np.arange(features.shape[1])
    features = np.nan_to_num(features)
    classes, index = np.unique(y, return_inverse=True)
    share = np.bincount(index) / len(y)
    mean = features.mean(axis=0)
    between = np.zeros(features.shape[1])
    for number in range(len(classes)):
        between += share[number] * np.square(features[index == number].mean(axis=0) - mean)
    ratio = between / np.maximum(features.var(axis=0) - between, 1e-9)
    return np.sort(np.argsort(-ratio, kind="stable")[:most])


def fit_trees(
    features: Given,
    y: np.ndarray,
    outputs: int,
    settings: Mapping[str, Any],
    valid: tuple[Given, np.ndarray],
    deadline: float,
) -> tuple[Trees, dict[str, Any]]:
    """Boosted trees, and the settings with which `refit_trees` grows the same ones again.

    Args:
        features: of training items.
        y: Int[items], of at least two classes; or Float[items], numbers, where the settings have a `transform`.
        settings: `rate`, `leaves`, `seed`; `class_weight` ("none" or "balanced") or `transform` ("none" or "log");
            `l2`, the pull of leaves towards 0.
        valid: features and targets of validation items, which say when to stop; there may be none.
        deadline: on the clock of `time.monotonic`; the first chunk is always finished.
    """
    trees, x, learned = _prepare(as_features(features), y, outputs, settings)
    # Evenly spread, for validation items stand class by class.
    some = np.linspace(0, len(valid[1]) - 1, min(len(valid[1]), JUDGES)).astype(np.int64)
    judges = as_features(valid[0])[some], valid[1][some]
    chunks, rounds = [], 0
    for total in _growing(deadline):
        _grow(trees.model, x, learned, total)
        chunks.append(total)
        rounds = _best_rounds(trees, *judges, y, settings) if len(judges[1]) else total
        if rounds <= total // 2:  # the whole last chunk made it worse
            break
    return replace(trees, rounds=rounds), {**settings, "chunks": chunks, "rounds": rounds}


def refit_trees(features: Given, y: np.ndarray, outputs: int, settings: Mapping[str, Any]) -> Trees:
    """The trees that `fit_trees` grew with these settings from these items, without looking at the clock."""
    trees, x, learned = _prepare(as_features(features), y, outputs, settings)
    for total in settings["chunks"]:
        _grow(trees.model, x, learned, total)
    return replace(trees, rounds=settings["rounds"])


def _prepare(
    features: Features, y: np.ndarray, outputs: int, settings: Mapping[str, Any]
) -> tuple[Trees, np.ndarray, np.ndarray]:
    """Trees that are not grown yet, and the values and targets that they will be grown from."""
    values = features.for_trees
    is_number = "transform" in settings
    target = Target.learn(y, settings["transform"]) if is_number else None
    learned = y if target is None else target.forth(y)
    columns = telling_columns(values, strata_of("regress", y) if is_number else y)
    chosen = values[:, columns]
    bins = FINE_BINS if chosen.size <= FEW_CELLS else BINS
    categorical = [
        place for place, column in enumerate(columns.tolist())
        # A code beyond the bins is refused; such a column stays a number, the more frequent values the smaller ones.
        if column in features.categorical and np.nanmax(chosen[:, place], initial=0) < bins
    ]  # fmt: skip
    model = _model(len(y), outputs, bins, categorical, settings)
    return Trees(model, columns, 0, outputs, target), chosen, learned


def _model(items: int, outputs: int, bins: int, categorical: list[int], settings: Mapping[str, Any]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    common: dict[str, Any] = {
        "learning_rate": settings["rate"],
        "max_leaf_nodes": settings["leaves"],
        "l2_regularization": settings.get("l2", 0.0),
        "max_bins": bins,
        # The usual minimum would leave a few dozen items without a single split.
        "min_samples_leaf": max(1, min(LARGEST_LEAF_MINIMUM, items // (4 * max(2, outputs)))),
        "categorical_features": categorical or None,
        "early_stopping": False,
        "warm_start": True,
        "random_state": settings["seed"],
    }
    if "transform" in settings:
        return HistGradientBoostingRegressor(**common)
    weight = None if settings["class_weight"] == "none" else settings["class_weight"]
    return HistGradientBoostingClassifier(class_weight=weight, **common)


def _grow(model: Any, features: np.ndarray, y: np.ndarray, total: int) -> None:
    look()
    model.set_params(max_iter=total)
    model.fit(features, y)


def _stages(model: Any, features: np.ndarray) -> Iterator[np.ndarray]:
    """What the model says after each round."""
    stages = model.staged_predict_proba if hasattr(model, "classes_") else model.staged_predict
    for stage in stages(features):
        look()
        yield stage


def _growing(deadline: float) -> Iterator[int]:
    """Totals of rounds, doubled while the next chunk is expected to end in time, the last one cut to fit."""
    total, grown = FIRST_CHUNK, FIRST_CHUNK
    while True:
        started = time.monotonic()
        yield total
        seconds_a_round = CAUTION * (time.monotonic() - started) / grown
        fitting = int(min((deadline - time.monotonic()) / seconds_a_round, MOST_ROUNDS))
        grown = min(total, fitting, MOST_ROUNDS - total)
        if grown < 1:
            return
        total += grown


def _best_rounds(
    trees: Trees, features: Features, truth: np.ndarray, y: np.ndarray, settings: Mapping[str, Any]
) -> int:
    """The number of rounds after which these items were least surprising, on the scale and with the class weights that
    were learned with."""
    model, given = trees.model, features.for_trees[:, trees.columns]
    if trees.target is not None:
        # What is under all that were learned from may have no logarithm; it is as far off as the least of them.
        wanted = trees.target.forth(np.maximum(truth, y.min()))
        wrong = [float(np.square(stage - wanted).mean()) for stage in _stages(model, given)]
        return int(np.argmin(wrong)) + 1
    column = {label: index for index, label in enumerate(model.classes_)}
    known = np.array([row for row, label in enumerate(truth) if label in column], dtype=np.int64)
    if len(known) == 0:
        return int(model.n_iter_)
    place = np.array([column[label] for label in truth[known]])
    weight = np.ones(len(known))
    if settings["class_weight"] == "balanced":
        weight = 1 / np.bincount(y)[truth[known]]
    return int(np.argmin(list(_surprises(_stages(model, given[known]), place, weight)))) + 1


def _surprises(stages: Iterable[np.ndarray], place: np.ndarray, weight: np.ndarray) -> Iterator[float]:
    for probability in stages:
        losses = -np.log(np.maximum(probability[np.arange(len(place)), place], 1e-12))
        yield float(losses @ weight / weight.sum())
