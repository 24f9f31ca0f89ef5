"""How often a change that does nothing is called "helped" where training is unsteady, simulated.

Networks of 70 % accuracy whose accuracy moves with the seed by so many points (its deviation), on 300 and on 2,000
items some of which are harder than others: three networks that judge all of them, and folds, of which three networks
judge a third each, once, three and five times over. A verdict of "helped" is one side of a 95 % interval, so 2.5 % is
its due. Beside it the bootstrap alone, without `core.differences._widened`, and how often five points are found.

    python bench/seed_noise.py
"""

from __future__ import annotations

from itertools import product
from unittest.mock import patch

import numpy as np
from _record import write

from penjing.core import differences, plugins
from penjing.core.statistics import Metric

TRIALS, RESAMPLES = 200, 400
# Way → turns, and parts of each.
WAYS = {"three networks": (3, 1), "folds once": (1, 3), "folds thrice": (3, 3), "folds five times": (5, 3)}
GAIN = 0.05
ACCURACY, CLASSES = 0.7, 4
DEVIATIONS, ITEMS = (0.0, 0.02, 0.05), (300, 2000)


def main() -> None:
    metric = plugins.load("tasks", "classify").metric("accuracy")
    result = []
    for way, deviation, items in product(WAYS, DEVIATIONS, ITEMS):
        line = {"way": way, "deviation": deviation, "items": items, "trials": TRIALS}
        line["helped"] = _helped(metric, way, deviation, items)
        line["found"] = _helped(metric, way, deviation, items, GAIN)
        with patch.object(differences, "_widened", lambda draws, *_: draws):
            line["helped_by_the_bootstrap_alone"] = _helped(metric, way, deviation, items)
        print(line, flush=True)
        result.append(line)
    write("seed_noise", {"gain": GAIN, "lines": result})


def _helped(metric: Metric, way: str, deviation: float, items: int, gain: float = 0.0) -> int:
    turns, parts = WAYS[way]
    draw, found = np.random.default_rng(0), 0
    for _ in range(TRIALS):
        truth, hard = draw.integers(CLASSES, size=items), draw.random(items)
        part = draw.integers(parts, size=items)
        told = [
            differences.Turn(
                np.arange(items),
                *(_answers(draw, truth, hard, deviation, part, ACCURACY + more) for more in (0.0, gain)),
                part,
            )
            for _ in range(turns)
        ]
        difference = differences.difference(metric, truth, told, n=RESAMPLES)
        found += differences.judge([difference])[0] == "helped"
    return found


def _answers(
    draw: np.random.Generator,
    truth: np.ndarray,
    hard: np.ndarray,
    deviation: float,
    part: np.ndarray,
    accuracy: float,
) -> np.ndarray:
    """Of networks whose accuracy is their seed's, each on its part."""
    felt = np.clip(hard + 0.15 * draw.normal(size=len(hard)), 0, 1)
    moved = deviation * draw.normal(size=part.max() + 1)
    said = np.where(felt < accuracy + moved[part], truth, (truth + 1) % CLASSES)
    return np.asarray(0.9 * np.eye(CLASSES)[said] + 0.1 / CLASSES, np.float32)


if __name__ == "__main__":
    main()
