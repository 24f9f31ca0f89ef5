"""How often a remedy that does nothing is called "helped": asked are at most 5 % of 200 trials.

The remedies are pure noise: a rate within ±1 % of the one before, and another stream of initialisation, order and
augmentation. Treat pairs both sides of a trial by seed, which makes nothing look even more like nothing; here they are
not paired, the hardest case. Every arm is trained once for each seed, and a trial is two arms and three seeds of this
pool, no two trials the same; trials that share networks are not independent, so the interval is a little too narrow.

Told for verdicts alone, and for treat as it is, where a remedy must first look better on validation; on a part kept for
verdicts (`confirm`), on folds, and where each seed judges a third of the items only (`thirds`). Data: digits of 8×8
pixels that come with scikit-learn, 1,797 of them.

    python bench/treat_noise.py FOLDER    keeps its networks' answers in FOLDER (or a new one), and goes on from there
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
from _record import write
from sklearn.datasets import load_digits

from penjing.core import differences, plugins
from penjing.core.budget import Clock
from penjing.core.recipe import Choice, Machine, Recipe, Training
from penjing.core.shares import exact_share
from penjing.workflows._prepare import DataWish, Prepared, prepare
from penjing.workflows._search import Search
from penjing.workflows._trials import FOLDS, Bench, Deal, Screened

ARMS = (0.99, 0.995, 1.0, 1.005, 1.01, 0.9975)  # of the rate
SEEDS, A_TRIAL = 42, 3
RESAMPLES = 500  # of a bootstrap; a verdict of treat takes more, which makes its p-values finer and no smaller
CONFIRM = 180  # items that judge, of those that are learned from otherwise
GOAL, NOMINAL = 0.05, 0.025  # a verdict of "helped" is one side of a 95 % interval


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="treat-noise-"))
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.process_time()
    folds = Bench(_prepared(), plugins.load("tasks", "classify"))
    confirm = Bench(_with_confirm(folds.prepared), folds.task)
    pool = Pool(folder)
    for seed in range(SEEDS):
        for arm in range(len(ARMS)):
            pool.screened(confirm, arm, seed)
            pool.judged(folds, arm, seed)
        print(f"seed {seed}: {time.process_time() - begun:.0f} s of processor time", flush=True)
    result = {"goal": GOAL, "nominal": NOMINAL, "arms": list(ARMS), "seeds": SEEDS, "seeds_a_trial": A_TRIAL}
    for name, bench in (("confirm", confirm), ("folds", folds), ("thirds", folds)):
        result[name] = _counted(pool, confirm, bench, name == "thirds")
        print(name, result[name], flush=True)
    write("treat_noise", result)


def _prepared() -> Prepared:
    found = load_digits()
    pixels = (found.images * 15).astype(np.uint8)
    return prepare((pixels, found.target), DataWish(), Clock())


def _with_confirm(prepared: Prepared) -> Prepared:
    """The same, some training items kept for verdicts."""
    parts = prepared.split.frame["part"].to_numpy().copy()
    train = np.flatnonzero(parts == "train")
    parts[np.random.default_rng(0).permutation(train)[:CONFIRM]] = "confirm"
    frame = prepared.split.frame.with_columns(part=pl.Series(parts.tolist()))
    return replace(prepared, split=replace(prepared.split, frame=frame))


def _recipe(arm: int, seed: int) -> Recipe:
    recipe = Recipe(
        seed=seed + 1_000 * arm,
        augment=(Choice("crop"),),
        model=Choice("mlp", {"width": 64, "depth": 1}),
        optimiser=Choice("adamw", {"rate": 0.005 * ARMS[arm]}),
        training=Training(steps=100, batch_size=64, evaluations=2),
        machine=Machine(threads=1),
    )
    return recipe.filled()


class Pool:
    """What networks of every arm and seed answer; each is trained when it is first asked for, and kept on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def screened(self, bench: Bench, arm: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Answers on the items that validate, and on those kept for verdicts."""
        train, valid, judged = (bench.prepared.rows(part) for part in ("train", "valid", "confirm"))
        deal = Deal((), train, valid, np.concatenate([valid, judged]))
        found = self._kept(f"confirm-{arm}-{seed}", lambda: bench.train(_recipe(arm, seed), deal).answer)
        return found[: len(valid)], found[len(valid) :]

    def judged(self, bench: Bench, arm: int, seed: int) -> np.ndarray:
        """Answers on all training items, by folds."""

        def answer() -> np.ndarray:
            found = np.zeros((len(bench.judged), 10), np.float32)
            for deal in bench.turn(seed, FOLDS):
                found[np.searchsorted(bench.judged, deal.judged)] = bench.train(_recipe(arm, seed), deal).answer
            return found

        return self._kept(f"folds-{arm}-{seed}", answer)

    def _kept(self, name: str, answer) -> np.ndarray:
        file = self.folder / f"{name}.npy"
        if not file.exists():
            np.save(file.with_suffix(".part.npy"), answer())
            file.with_suffix(".part.npy").replace(file)
        return np.load(file)


def _trials() -> Iterator[tuple[int, int, list[int]]]:
    """(the arm before, the arm after, seeds): every pair of arms with every three seeds in a row."""
    for number, (one, other) in enumerate(combinations(range(len(ARMS)), 2)):
        for first in range(0, SEEDS, A_TRIAL):
            before, after = (one, other) if (number + first // A_TRIAL) % 2 else (other, one)
            yield before, after, list(range(first, first + A_TRIAL))


def _counted(pool: Pool, screen: Bench, bench: Bench, is_parted: bool) -> dict:
    """How often nothing was called helped or hurt, and how often it would have come to a verdict.

    Args:
        is_parted: whether each seed judges another third of the items only.
    """
    rows = bench.judged
    truth, groups, metric = bench.prepared.truth[rows], bench.prepared.groups[rows], bench.task.metric("accuracy")

    def answers(arm: int, seed: int) -> np.ndarray:
        return pool.screened(screen, arm, seed)[1] if bench is screen else pool.judged(bench, arm, seed)

    told, passed, effects, scores = [], [], [], []
    for before, after, seeds in _trials():
        sides = [[answers(arm, seed) for seed in seeds] for arm in (before, after)]
        if is_parted:
            every, third = np.arange(len(truth)), np.random.default_rng(seeds).integers(A_TRIAL, size=len(truth))
            turn = differences.Turn(every, *(np.stack(side)[third, every] for side in sides), third)
            difference = differences.difference(metric, truth, [turn], groups, n=RESAMPLES)
        else:
            difference = differences.paired_difference(metric, truth, *sides, groups, n=RESAMPLES)
        told.append(differences.judge([difference])[0])
        effects.append(difference.effect)
        scores.append(metric(truth, sides[0][0]))
        passed.append(_looks_better(screen, pool, before, after, seeds[0]))
    helped = sum(verdict == "helped" for verdict in told)
    both = sum(verdict == "helped" and is_better for verdict, is_better in zip(told, passed, strict=True))
    return {
        "trials": len(told),
        "items": len(rows),
        "accuracy": float(np.mean(scores)),
        "effect_deviation": float(np.std(effects)),
        "helped": _share(helped, len(told)),
        "hurt": _share(sum(verdict == "hurt" for verdict in told), len(told)),
        "looked_better": _share(sum(passed), len(told)),
        "helped_by_treat": _share(both, len(told)),
    }


def _looks_better(bench: Bench, pool: Pool, before: int, after: int, seed: int) -> bool:
    """Whether treat's search would take the second arm, by the answers on validation."""
    steps: list = []
    search = Search(bench, bench.task.metric("accuracy"), _recipe(before, seed), (), lambda: 1e9, steps.append)
    search._take(_recipe(before, seed), _screened(pool, bench, before, seed))
    found = _screened(pool, bench, after, seed)
    search.bench = SimpleNamespace(task=bench.task)
    return search.is_better(found)


def _screened(pool: Pool, bench: Bench, arm: int, seed: int) -> Screened:
    return Screened(pool.screened(bench, arm, seed)[0], (), 1.0)


def _share(count: int, of: int) -> dict:
    """A share with its Clopper–Pearson 95 % interval."""
    low, high = exact_share(count, of)
    return {"count": count, "share": count / of, "low": low, "high": high}


if __name__ == "__main__":
    main()
