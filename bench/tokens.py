"""Tokens learned from a second: the text example network by penjing and by Keras on TensorFlow, in turns.

    python bench/tokens.py            three rounds

Hotel reviews (Chinese) and movie reviews (English), ten times over, stand in for a large set of texts; both sides get
the same tokens, padded to the same length, and the same network. Only real tokens count, padding does not. Keras takes
batches of 32 as published; penjing takes its own size, sorts texts by length within a few batches, and runs in what the
probe finds. The clock runs for about `SECONDS` of training on either side, after a few steps that do not count.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from _clocked import Ready, posed, ready
from _command import begin_as_penjing_does, shared_data
from _record import write
from peers import PEERS, REFERENCE, python_of, said_by

from penjing.core.recipe import Choice
from penjing.training import engine
from penjing.workflows._choose import RecipeWish
from penjing.workflows._problem import pose

TIMES, SECONDS, KERAS_STEPS, WARM_UPS = 10, 20.0, 200, 10


def texts() -> tuple[list[str], np.ndarray]:
    """All training reviews of both sets and their sentiments."""
    found, labels = [], []
    for name in ("hotel_reviews_zh", "movie_reviews_en"):
        with gzip.open(shared_data() / "text" / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] != "test"]
        known = sorted({row["label"] for row in rows})
        found += [row["text"] for row in rows]
        labels += [known.index(row["label"]) for row in rows]
    return found, np.array(labels)


def penjing(data: Ready, rows: np.ndarray) -> dict[str, Any]:
    """Our loop on the same tokens, for about `SECONDS`."""
    wish = RecipeWish(model="text_example", assignments={"optimiser": "adam", "wide.longest": 0})
    problem, recipe = posed(data, wish)
    problem = replace(problem, train=rows)
    recipe = replace(recipe, model=Choice("text_example").filled("models"))
    machine, _ = engine.fastest(recipe, problem, 3.0)
    recipe = replace(recipe, machine=machine)
    network = engine.assemble(recipe, problem)
    step, loader = engine._supervised(recipe, problem, network), engine.loader_of(recipe, problem, network)
    torch.set_num_threads(machine.threads)
    learned, items = 0, 0
    with loader.batches(0) as batches:
        for number in range(WARM_UPS):
            step.update(next(batches), number, 1.0)
        begun = time.perf_counter()
        while time.perf_counter() - begun < SECONDS:
            batch = next(batches)
            step.update(batch, number, 1.0)
            learned += int((batch.only() != 0).sum())
            items += len(batch)
        taken = time.perf_counter() - begun
    said = f"{machine.number_format}, {machine.threads} threads, batches of {recipe.training.batch_size}"
    return {"seconds": taken, "tokens": learned, "texts": items, "arithmetic": said}


def keras(file: Path) -> dict[str, Any]:
    """Keras on TensorFlow on the same tokens."""
    return said_by(python_of(REFERENCE), "keras_text.py", file, KERAS_STEPS, **PEERS[REFERENCE].environment)


def main() -> None:
    begin_as_penjing_does()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    python_of(REFERENCE)
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        data = ready(texts(), Path(folder))
        train = data.prepared.rows("train")
        rows = np.tile(train, TIMES)
        problem = pose(data.prepared, train, data.prepared.rows("valid"))
        ((name, values),) = problem.items.inputs.items()
        tokens = values.take(train)[:, : int(problem.learned[name]["length"])].astype(np.int32)
        file = Path(folder) / "tokens.npz"
        np.savez(file, tokens=np.tile(tokens, (TIMES, 1)), label=np.tile(problem.truth[train], TIMES))
        for number in range(asked.rounds):
            ways = {"keras": lambda: keras(file), "penjing": lambda: penjing(data, rows)}
            found = {name: ways[name]() for name in (ways if number % 2 == 0 else reversed(ways))}
            rounds.append(found)
            print(number, {name: round(one["tokens"] / one["seconds"]) for name, one in found.items()}, flush=True)
    rates = {name: [one[name]["tokens"] / one[name]["seconds"] for one in rounds] for name in rounds[0]}
    ratio = median(ours / theirs for ours, theirs in zip(rates["penjing"], rates["keras"], strict=True))
    speeds = {name: median(one) for name, one in rates.items()}
    write("tokens", {"goal": 4.0, "ratio": ratio, "tokens_per_second": speeds, "rounds": rounds})
    print(f"{ratio:.1f} times the tokens a second")


if __name__ == "__main__":
    main()
