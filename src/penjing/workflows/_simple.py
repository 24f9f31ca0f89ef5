"""The floor of a run: simple models on simple features, within their share of the time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core import plugins
from penjing.core.budget import Clock
from penjing.core.events import Watch
from penjing.core.process import usable_cores
from penjing.core.randomness import stream
from penjing.tasks._floor import FloorResult, fit_floor, load_floor, save_floor
from penjing.workflows._prepare import Prepared

SHARE = 0.08  # of the whole time
FEATURES_SHARE = 0.35  # of that, for the features of training items
MEASURED = 64  # items that tell what features cost
CHUNK = 1024
FILE = "floor.npz"
ROWS = "rows"


def learn_floor(
    prepared: Prepared, train: np.ndarray, valid: np.ndarray, metric: Any, seed: int, clock: Clock, watch: Watch = None
) -> tuple[list[FloorResult], np.ndarray]:
    """The floor, and the training rows that it was learned from (all of them, unless features would take too long)."""
    seconds = SHARE * clock.limit_seconds
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
            seed=seed,
            threads=usable_cores(),
            watch=watch,
        )
    return results, rows


def features(prepared: Prepared, rows: np.ndarray) -> np.ndarray:
    """Float32[rows, features] of some rows."""
    modality = plugins.load("modalities", prepared.column.modality)
    starts = range(0, max(1, len(rows)), CHUNK)
    return np.concatenate([modality.features(prepared.values.take(rows[start : start + CHUNK])) for start in starts])


def keep_floor(folder: Path, results: list[FloorResult]) -> None:
    """Write the floor into a run folder."""
    save_floor(folder / FILE, results)


def recall_floor(folder: Path, prepared: Prepared, train: np.ndarray, valid: np.ndarray) -> list[FloorResult]:
    """The floor of a run folder; its trees are grown again from the rows they were grown from."""
    path = folder / FILE
    if not path.exists():
        return []
    train_features, valid_features = features(prepared, train), features(prepared, valid)
    return load_floor(path, train_features, prepared.truth[train], valid_features, threads=usable_cores())


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
