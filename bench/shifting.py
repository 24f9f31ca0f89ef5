"""From how many passes on shifting pictures pays: clothes, which are framed alike, and photos, which are not.

    python bench/shifting.py               both data sets
    python bench/shifting.py fashion       one of them

The same network is trained with and without shifts, in few passes and in more, on the same items with the same seeds;
5,000 others judge, and the test part is not looked at. How much of what it knows a network that never met a shift
loses on shifted pictures, after a short training, stands beside it: that is what `fit` decides by. One thread,
bfloat16; nothing is timed.
Needs the Debian package dataset-fashion-mnist, and CIFAR-10 in shared/data.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import records
from _clocked import Ready, posed, ready
from _record import RESULTS, write
from ablation import BATCH, WIDTH, Variant, accuracy, course, recipe_of

from penjing.training import _arithmetic
from penjing.training.engine import Trained
from penjing.workflows._choose import RecipeWish
from penjing.workflows._safe_augment import SHIFT, Witness

NAME = "shifting"
DATA = {"fashion": records.fashion, "cifar10": records.cifar10}
UPDATES, SEEDS = (800, 1600, 3200, 6400), (0, 1)
PLAIN, SHIFTED = Variant({"augment": []}), Variant({"augment": [SHIFT]})
WITNESS_UPDATES = (20, 50, 200)


def lost(data: Ready, updates: int, seed: int) -> float:
    """The share of what it knows that a network loses on shifted pictures."""
    problem, base = posed(data, RecipeWish())
    recipe = recipe_of(base, PLAIN, seed, updates)
    (shift,) = (one for one in base.augment if one.name == SHIFT)
    (column,) = problem.shape
    with _arithmetic.threads(1):
        for step, _ in course(recipe, problem, PLAIN):
            last = step
        with last.evaluating() as network:
            witness = Witness(problem, Trained(recipe, network, None, updates))
            return witness.lost_by_shifts(column, shift)


def measured(data: Ready, courses: Sequence[int]) -> dict[str, Any]:
    """The accuracies of one data set after courses of so many updates."""
    items = len(data.prepared.rows("train"))
    rows = []
    for updates in courses:
        shifted, plain = ([accuracy(data, one, seed, updates) for seed in SEEDS] for one in (SHIFTED, PLAIN))
        rows.append({"updates": updates, "passes": updates * BATCH / items, "shifted": shifted, "plain": plain})
        print(f"{rows[-1]['passes']:5.1f} passes: shifted {mean(shifted):.4f}, plain {mean(plain):.4f}", flush=True)
    return {"items": items, "batch_size": BATCH, "width": WIDTH, "courses": rows}


def witnesses(data: Ready) -> dict[str, list[float]]:
    """Updates of a short training → what its networks lose on shifted pictures, seed by seed."""
    losses = {str(updates): [lost(data, updates, seed) for seed in SEEDS] for updates in WITNESS_UPDATES}
    print(f"lost by a witness: {losses}", flush=True)
    return losses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", choices=[*DATA, []], help="both when left out")
    parser.add_argument("--witness", action="store_true", help="only what witnesses lose, beside known courses")
    parser.add_argument("--updates", nargs="+", type=int, default=UPDATES, help="of each course")
    asked = parser.parse_args()
    file = RESULTS / f"{NAME}.json"
    kept = json.loads(file.read_text(encoding="utf-8"))["result"] if file.exists() else {}
    for name in asked.data or DATA:
        with tempfile.TemporaryDirectory() as folder:
            print(name, flush=True)
            data = ready(DATA[name](Path(folder)), Path(folder))
            known = kept[name] if asked.witness else measured(data, asked.updates)
            kept[name] = {**known, "witness_loses": witnesses(data)}
            write(NAME, kept)


if __name__ == "__main__":
    main()
