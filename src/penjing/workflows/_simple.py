"""The floor of a run: simple models on simple features, within their share of the time."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core import plugins
from penjing.core.budget import Clock
from penjing.core.events import Warned, Watch, tell
from penjing.core.files import write_json
from penjing.core.process import usable_cores
from penjing.core.randomness import stream
from penjing.core.usual import usual
from penjing.tasks._floor import (
    IMPORT_SECONDS,
    Features,
    FloorResult,
    fit_again,
    fit_floor,
    load_floor,
    save_floor,
    side_by_side,
    warm_up,
)
from penjing.workflows._prepare import Prepared
from penjing.workflows._slots import FileSlot

LEAST_SECONDS, MOST_SHARE = 4.0, 0.12  # trees need a few seconds, but a short run is not theirs
FEATURES_SHARE = 0.35  # of that, for the features of training items
MEASURED = 64  # items that tell what features cost
FILE = "floor.npz"
ROWS_FILE = "floor_items.json"
NAMES = {
    "majority": "the majority class",
    "mean": "the mean",
    "linear": "a linear model",
    "boosted_trees": "boosted trees",
}


@dataclass(frozen=True)
class Floor:
    """What simple models say, and what they were learned from.

    Attributes:
        answers: with probabilities of the validation rows, one fold after the other.
        kept: the models that a test asks.
        rows: the rows that those were learned from.
    """

    answers: list[FloorResult]
    kept: list[FloorResult]
    rows: np.ndarray


def learn_floor(
    prepared: Prepared, train: np.ndarray, valid: np.ndarray, metric: Any, seed: int, clock: Clock, watch: Watch = None
) -> tuple[list[FloorResult], np.ndarray]:
    """The floor, and the training rows that it was learned from (all of them, unless features would take too long)."""
    seconds = _seconds(prepared, clock)
    with clock.stage("floor"):
        rows = _affordable(prepared, train, FEATURES_SHARE * seconds, len(valid), seed)
        begun = time.monotonic()
        train_features, valid_features = features(prepared, rows), features(prepared, valid)
        left = max(0.5, seconds - (time.monotonic() - begun))
        results = fit_floor(
            train_features,
            prepared.truth[rows],
            valid_features,
            prepared.truth[valid],
            len(prepared.classes),
            metric=metric,
            seconds=left,
            task=prepared.task,
            seed=seed,
            threads=usable_cores(),
            watch=watch,
        )
    return results, rows


def learn_floors(
    prepared: Prepared,
    deals: Sequence[tuple[np.ndarray, np.ndarray]],
    metric: Any,
    seed: int,
    clock: Clock,
    watch: Watch = None,
) -> Floor:
    """The floor of a run with one pair of (training rows, validation rows), or one a fold.

    With folds, every item is answered by models that never saw it; and what is kept is fitted from the items of all
    folds, as the network is that a test asks. A model that did not fit into the time of every fold is left out, which
    `watch` is told once.
    """
    if len(deals) == 1:
        results, rows = learn_floor(prepared, *deals[0], metric, seed, clock, watch)
        return Floor(results, results, rows)
    part = Clock(clock.limit_seconds / (len(deals) + 1), clock.is_binding, clock.started, clock.spent)
    if (
        len(deals) * _seconds(prepared, part) >= IMPORT_SECONDS
    ):  # one import for all folds, which may each be too short for it
        with clock.stage("floor"):
            warm_up()
    folds = [learn_floor(prepared, train, valid, metric, seed, part)[0] for train, valid in deals]
    everywhere = [name for name in NAMES if all(name in {one.name for one in results} for results in folds)]
    missing = [shown for name, shown in NAMES.items() if name in _possible(prepared) and name not in everywhere]
    if missing:
        why = f"{' and '.join(missing)} could not be fitted in every fold (too little time, or a single class)"
        tell(watch, Warned(f"{why}, so the floor is without"))
    answers = [_joined([_named(results, name) for results in folds]) for name in everywhere]
    every = np.sort(np.concatenate([valid for _, valid in deals]))
    with clock.stage("floor"):
        rows = _affordable(prepared, every, FEATURES_SHARE * _seconds(prepared, part), 0, seed)
        seen = features(prepared, rows)
        kept = [fit_again(one, seen, prepared.truth[rows], len(prepared.classes)) for one in answers]
    return Floor(answers, kept, rows)


def _possible(prepared: Prepared) -> set[str]:
    """The models that these data can have: trees read no words."""
    is_words_only = all(plugins.load("modalities", slot.modality).GIVES == "tokens" for slot in prepared.slots)
    trees = set() if is_words_only else {"boosted_trees"}
    return {"mean" if prepared.task == "regress" else "majority", "linear"} | trees


def _joined(folds: Sequence[FloorResult]) -> FloorResult:
    """One model's answers on all folds, one fold after the other; its settings are those of the median effort."""
    middle = sorted(folds, key=lambda one: one.effort)[len(folds) // 2]
    answer = np.concatenate([one.answer for one in folds])
    return replace(middle, answer=answer, seconds=sum(one.seconds for one in folds))


def _named(results: Sequence[FloorResult], name: str) -> FloorResult:
    return next(one for one in results if one.name == name)


def _seconds(prepared: Prepared, clock: Clock) -> float:
    """The floor's share of the time."""
    share = usual([slot.modality for slot in prepared.slots]).floor_share
    return max(share * clock.limit_seconds, min(LEAST_SECONDS, MOST_SHARE * clock.limit_seconds))


def features(prepared: Prepared, rows: np.ndarray) -> Features:
    """What simple models see of some rows, all inputs side by side."""
    basis = prepared.rows(*(("train", "valid", "confirm") if prepared.split.folds else ("train",)))
    return side_by_side([slot.features(rows, basis) for slot in prepared.slots])


def bordered(prepared: Prepared, border: float) -> Prepared:
    """The data as a network sees them from which the border of pictures is hidden, for models held against it.

    Args:
        border: share of each side, at either end; 0 hides nothing.
    """
    if not border:
        return prepared
    slots = [
        replace(slot, border=border) if isinstance(slot, FileSlot) and slot.modality == "image" else slot
        for slot in prepared.slots
    ]
    return replace(prepared, slots=tuple(slots))


def keep_floor(folder: Path, results: list[FloorResult], rows: np.ndarray, prepared: Prepared) -> None:
    """Write the floor into a run folder, with the hashes of the rows it was learned from."""
    save_floor(folder / FILE, results)
    write_json(folder / ROWS_FILE, [prepared.hashes[row] for row in rows])


def _kept_rows(folder: Path, prepared: Prepared) -> list[int | None]:
    place = {name: row for row, name in enumerate(prepared.hashes)}
    hashes = json.loads((folder / ROWS_FILE).read_text(encoding="utf-8"))
    return [place.get(name) for name in hashes]


def recall_floor(
    folder: Path, prepared: Prepared, train: np.ndarray, valid: np.ndarray, asked: np.ndarray
) -> list[FloorResult]:
    """A run's floor, with its answers on the rows `asked`; trees are grown again from what they were grown from."""
    path = folder / FILE
    if not path.exists():
        return []
    kept = [row for row in _kept_rows(folder, prepared) if row is not None]
    rows = np.array(kept, dtype=np.int64) if kept else train
    seen = features(prepared, rows), prepared.truth[rows]
    results = load_floor(path, *seen, features(prepared, valid))
    given = features(prepared, asked)
    return [replace(one, answer=one.predict(given)) for one in results]


def _affordable(prepared: Prepared, train: np.ndarray, seconds: float, extra: int, seed: int) -> np.ndarray:
    """As many training rows, in order, as features can be made of in the seconds, beside `extra` other items."""
    sample = train[:MEASURED]
    features(prepared, sample[:2])  # imports and first calls are not the items' cost
    begun = time.monotonic()
    features(prepared, sample)
    each = (time.monotonic() - begun) / max(1, len(sample))
    count = max(200, int(seconds / max(each, 1e-9)) - extra)
    if count >= len(train):
        return train
    return np.sort(stream(seed, "floor items").permutation(train)[:count])
