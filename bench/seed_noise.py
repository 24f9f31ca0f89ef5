"""How often a change that does nothing is called "helped" where training is unsteady: with three seeds, simulated.

Networks of 70 % accuracy whose accuracy moves with the seed by so many points (its deviation), on 300 and on 2,000
items some of which are harder than others. A verdict of "helped" is one side of a 95 % interval, so 2.5 % is its due.
Beside it the bootstrap alone, as it was before `core.statistics._widened`.

    python bench/seed_noise.py
"""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
from _record import write

from penjing.core import plugins, statistics

TRIALS, SEEDS, RESAMPLES = 200, 3, 400
ACCURACY, CLASSES = 0.7, 4
DEVIATIONS, ITEMS = (0.0, 0.02, 0.05), (300, 2000)


def main() -> None:
    metric = plugins.load("tasks", "classify").metric("accuracy")
    result = []
    for deviation in DEVIATIONS:
        for items in ITEMS:
            line = {"deviation": deviation, "items": items, "trials": TRIALS}
            line["helped"] = _helped(metric, deviation, items)
            with patch.object(statistics, "_widened", lambda draws, *_: draws):
                line["helped_by_the_bootstrap_alone"] = _helped(metric, deviation, items)
            print(line, flush=True)
            result.append(line)
    write("seed_noise", {"seeds": SEEDS, "lines": result})


def _helped(metric: statistics.Metric, deviation: float, items: int) -> int:
    draw, found = np.random.default_rng(0), 0
    for _ in range(TRIALS):
        truth, hard = draw.integers(CLASSES, size=items), draw.random(items)
        before, after = ([_answers(draw, truth, hard, deviation) for _ in range(SEEDS)] for _ in range(2))
        difference = statistics.paired_difference(metric, truth, before, after, n=RESAMPLES)
        found += statistics.judge([difference])[0] == "helped"
    return found


def _answers(draw: np.random.Generator, truth: np.ndarray, hard: np.ndarray, deviation: float) -> np.ndarray:
    """Of a network whose accuracy is its seed's."""
    felt = np.clip(hard + 0.15 * draw.normal(size=len(hard)), 0, 1)
    said = np.where(felt < ACCURACY + deviation * draw.normal(), truth, (truth + 1) % CLASSES)
    return np.asarray(0.9 * np.eye(CLASSES)[said] + 0.1 / CLASSES, np.float32)


if __name__ == "__main__":
    main()
