"""The floor of a run: simple models on simple features, within their share of the time."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core import plugins
from penjing.core.budget import Clock
from penjing.core.events import Watch
from penjing.core.files import write_json
from penjing.core.process import usable_cores
from penjing.core.randomness import stream
from penjing.tasks._floor import FloorResult, fit_floor, load_floor, save_floor
from penjing.workflows._prepare import Prepared

SHARE = 0.06  # of the whole time
LEAST_SECONDS, MOST_SHARE = 4.0, 0.12  # trees need a few seconds, but a short run is not theirs
FEATURES_SHARE = 0.35  # of that, for the features of training items
MEASURED = 64  # items that tell what features cost
CHUNK = 1024
FILE = "floor.npz"
ROWS_FILE = "floor_items.json"


def learn_floor(
    prepared: Prepared, train: np.ndarray, valid: np.ndarray, metric: Any, seed: int, clock: Clock, watch: Watch = None
) -> tuple[list[FloorResult], np.ndarray]:
    """The floor, and the training rows that it was learned from (all of them, unless features would take too long)."""
    seconds = max(SHARE * clock.limit_seconds, min(LEAST_SECONDS, MOST_SHARE * clock.limit_seconds))
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
    return [replace(one, probability=one.predict(given)) for one in results]


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
