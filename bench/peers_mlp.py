"""A fully connected network on Fashion-MNIST by penjing and by scikit-learn, which has no convolutional one.

    python bench/peers_mlp.py             three rounds, about three minutes; writes bench/results/peers_mlp.json
    python bench/peers_mlp.py --rounds 5

Both train the same hidden layers by Adam at the same rate, in batches of the same size, for the same number of passes
over the same 60,000 pictures, and are scored on the 10,000 of the test part off the clock. Each trains in a process of
its own, in turns, and medians are over the rounds. The clock begins with data that lie decoded in memory: measuring the
machine is part of penjing's, importing either is not. penjing's `mlp` normalises batches before each activation, and
standardises pixels, which scikit-learn's does not; nothing else is added to it: no augmentation, no average of the
weights, no smoothed labels, a constant rate.
Needs the Debian package dataset-fashion-mnist.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _clocked import base_of, ready
from _record import circumstances, write
from records import fashion

from penjing.training import engine
from penjing.workflows._choose import RecipeWish
from penjing.workflows._problem import pose

NAME = "peers_mlp"
HIDDEN, DEPTH = 256, 2  # units of each hidden layer; hidden layers
BATCH, RATE, EPOCHS, ROUNDS = 128, 1e-3, 10, 3
PROBE_SECONDS = 1.0  # of measuring the machine, on the clock
OURS, THEIRS = "penjing", "scikit-learn"
MEASURED = ("seconds", "accuracy")


def by_penjing(epochs: int, seed: int) -> dict[str, Any]:
    """Train by penjing: seconds on the clock, test accuracy, and what it computed in."""
    with tempfile.TemporaryDirectory() as folder:
        data = ready(fashion(Path(folder)), Path(folder))
        rows = np.sort(data.prepared.rows("train", "valid", "confirm"))
        begun = time.perf_counter()
        problem = pose(data.prepared, rows, rows[:0])
        recipe = replace(base_of(data, problem, wish(seed, steps_of(len(rows), epochs))), augment=())
        machine, _ = engine.fastest(recipe, problem, PROBE_SECONDS)
        trained = engine.carry_out(replace(recipe, machine=machine), problem, is_recorded=False)
        seconds = time.perf_counter() - begun
        tested = data.prepared.rows("test")
        right = engine.outputs(trained.network, problem.items, tested).argmax(1) == problem.truth[tested]
    return {
        "seconds": seconds,
        "accuracy": float(right.mean()),
        "items": len(rows),
        "arithmetic": f"{machine.number_format}, {machine.threads} threads",
    }


def steps_of(items: int, epochs: int) -> int:
    """Updates in so many passes over the items."""
    return round(epochs * items / BATCH)


def wish(seed: int, steps: int) -> RecipeWish:
    """The network, its optimiser and how long it learns."""
    return RecipeWish(
        seed=seed,
        assignments={
            "model": "mlp",
            "model.width": HIDDEN,
            "model.depth": DEPTH,
            "optimiser": "adam",
            "optimiser.rate": RATE,
            "schedule": "constant",
            "training.steps": steps,
            "training.batch_size": BATCH,
            "training.evaluations": 1,
            "training.ema": 0.0,
            "task.label_smoothing": 0.0,
        },
    )


def by_scikit_learn(epochs: int, seed: int) -> dict[str, Any]:
    """Train by scikit-learn: seconds of `fit`, and test accuracy."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    with tempfile.TemporaryDirectory() as folder:
        columns = fashion(Path(folder))
    x = columns["image"].reshape(len(columns["image"]), -1).astype(np.float32) / 255
    y, is_test = columns["label"], columns["split"] == "test"
    x_train, y_train = x[~is_test], y[~is_test]
    network = MLPClassifier(
        (HIDDEN,) * DEPTH,
        solver="adam",
        learning_rate_init=RATE,
        batch_size=BATCH,
        max_iter=epochs,
        alpha=0.0,
        tol=0.0,
        n_iter_no_change=epochs + 1,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is told to end after so many passes
        begun = time.perf_counter()
        network.fit(x_train, y_train)
        seconds = time.perf_counter() - begun
    right = network.predict(x[is_test]) == y[is_test]
    return {"seconds": seconds, "accuracy": float(right.mean()), "items": len(x_train)}


BY = {THEIRS: by_scikit_learn, OURS: by_penjing}


def summary(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Medians over the rounds beside the rounds themselves."""
    ratios = [one["peers"][THEIRS]["seconds"] / one["peers"][OURS]["seconds"] for one in rounds]
    return {
        "hidden": [HIDDEN] * DEPTH,
        "batch_size": BATCH,
        "epochs": EPOCHS,
        **{what: {name: median(one["peers"][name][what] for one in rounds) for name in BY} for what in MEASURED},
        "ratio": median(ratios),
        "rounds": list(rounds),
    }


def trained(name: str, epochs: int, seed: int) -> dict[str, Any]:
    """One side in a process of its own."""
    variables = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    words = [sys.executable, __file__, "--one", name, "--epochs", str(epochs), "--seed", str(seed)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=variables)
    if done.returncode:
        raise SystemExit(f"{name} exited with {done.returncode}:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--one", choices=tuple(BY), help=argparse.SUPPRESS)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(BY[asked.one](asked.epochs, asked.seed)))
        return
    rounds: list[dict[str, Any]] = []
    for number in range(asked.rounds):
        order = list(BY) if number % 2 == 0 else list(BY)[::-1]
        found = {name: trained(name, EPOCHS, number) for name in order}
        rounds.append({"peers": found, **circumstances()})
        print(number, found, flush=True)
        write(NAME, summary(rounds))


if __name__ == "__main__":
    main()
