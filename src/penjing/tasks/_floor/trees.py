"""Boosted trees on the most telling features, grown until validation or the clock says stop."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

FIRST_CHUNK = 4  # rounds before the first look at the clock; each later chunk doubles what is there
MOST_ROUNDS = 256
MOST_COLUMNS = 256
BINS = 31  # 255 cost two to three times as much with few items and score no better in the same time
LARGEST_LEAF_MINIMUM = 20
JUDGES = 2000  # validation items that early stopping looks at
CAUTION = 1.3  # later rounds grow larger trees than earlier ones


@dataclass(frozen=True)
class Trees:
    """A fitted ensemble.

    Attributes:
        model: the scikit-learn classifier.
        columns: Int[columns], the features it reads.
        rounds: how many of its rounds are used.
        classes: number of classes in the data, those that it never met included.
    """

    model: Any
    columns: np.ndarray
    rounds: int
    classes: int

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Float32[items, classes]: the probability of each class for Float[items, features]."""
        found = np.zeros((len(features), self.classes), dtype=np.float32)
        if len(features):
            stages = islice(self.model.staged_predict_proba(features[:, self.columns]), self.rounds)
            found[:, self.model.classes_] = deque(stages, maxlen=1).pop()
        return found


def telling_columns(features: np.ndarray, y: np.ndarray, most: int = MOST_COLUMNS) -> np.ndarray:
    """Int[columns]: the features whose class means differ most for their spread (the F ratio), in ascending order."""
    if features.shape[1] <= most:
        return np.arange(features.shape[1])
    classes, index = np.unique(y, return_inverse=True)
    share = np.bincount(index) / len(y)
    mean = features.mean(axis=0)
    between = np.zeros(features.shape[1])
    for number in range(len(classes)):
        between += share[number] * np.square(features[index == number].mean(axis=0) - mean)
    ratio = between / np.maximum(features.var(axis=0) - between, 1e-9)
    return np.sort(np.argsort(-ratio, kind="stable")[:most])


def fit_trees(
    features: np.ndarray,
    y: np.ndarray,
    classes: int,
    settings: Mapping[str, Any],
    valid: tuple[np.ndarray, np.ndarray],
    deadline: float,
) -> tuple[Trees, dict[str, Any]]:
    """Boosted trees, and the settings with which `refit_trees` grows the same ones again.

    Args:
        features: Float32[items, features].
        y: Int[items], of at least two classes.
        settings: `rate`, `leaves`, `class_weight` ("none" or "balanced"), `seed`.
        valid: features and classes of validation items, which say when to stop; there may be none.
        deadline: on the clock of `time.monotonic`; the first chunk is always finished.
    """
    columns = telling_columns(features, y)
    judges = valid[0][:JUDGES, columns], valid[1][:JUDGES]
    model = _classifier(len(y), classes, settings)
    chunks = []
    for total in _growing(deadline):
        _grow(model, features[:, columns], y, total)
        chunks.append(total)
        rounds = _best_rounds(model, *judges) if len(judges[1]) else total
        if rounds <= total // 2:  # the whole last chunk made it worse
            break
    return Trees(model, columns, rounds, classes), {**settings, "chunks": chunks, "rounds": rounds}


def refit_trees(features: np.ndarray, y: np.ndarray, classes: int, settings: Mapping[str, Any]) -> Trees:
    """The trees that `fit_trees` grew with these settings from these items, without looking at the clock."""
    columns = telling_columns(features, y)
    model = _classifier(len(y), classes, settings)
    for total in settings["chunks"]:
        _grow(model, features[:, columns], y, total)
    return Trees(model, columns, settings["rounds"], classes)


def _classifier(items: int, classes: int, settings: Mapping[str, Any]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=settings["rate"],
        max_leaf_nodes=settings["leaves"],
        max_bins=BINS,
        # The usual minimum would leave a few dozen items without a single split.
        min_samples_leaf=max(1, min(LARGEST_LEAF_MINIMUM, items // (4 * classes))),
        class_weight=None if settings["class_weight"] == "none" else settings["class_weight"],
        early_stopping=False,
        warm_start=True,
        random_state=settings["seed"],
    )


def _grow(model: Any, features: np.ndarray, y: np.ndarray, total: int) -> None:
    model.set_params(max_iter=total)
    model.fit(features, y)


def _growing(deadline: float) -> Iterator[int]:
    """Totals of rounds, doubled while the next chunk is expected to end in time, the last one cut to fit."""
    total, grown = FIRST_CHUNK, FIRST_CHUNK
    while True:
        started = time.monotonic()
        yield total
        seconds_a_round = CAUTION * (time.monotonic() - started) / grown
        fitting = int((deadline - time.monotonic()) / seconds_a_round)
        grown = min(total, fitting, MOST_ROUNDS - total)
        if grown < 1:
            return
        total += grown


def _best_rounds(model: Any, features: np.ndarray, y: np.ndarray) -> int:
    """The number of rounds after which these items were least surprising."""
    column = {label: index for index, label in enumerate(model.classes_)}
    known = np.array([row for row, label in enumerate(y) if label in column], dtype=np.int64)
    if len(known) == 0:
        return int(model.n_iter_)
    place = np.array([column[label] for label in y[known]])
    return int(np.argmin(list(_surprises(model.staged_predict_proba(features[known]), place)))) + 1


def _surprises(stages: Iterable[np.ndarray], place: np.ndarray) -> Iterator[float]:
    for probability in stages:
        yield float(-np.log(np.maximum(probability[np.arange(len(place)), place], 1e-12)).mean())
