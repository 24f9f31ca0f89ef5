"""Other seeds give clearly better or worse networks.

**What it sees.** The same training with other seeds, judged on the same validation items: how far apart the metric is,
and whether that is more than the items themselves would scatter, told from the differences of all pairs of seeds.

**Why it is bad.** What was reached is partly luck: the next training may be worse, and small improvements drown.

**Known false alarms.** On few validation items two networks of the same worth differ by points; what the items scatter
is taken off. Each training keeps its best evaluation on the items that judge it, so seeds are rather further apart than
is told. Trainings cut short are unsettled for that reason and are not looked at.

**What to do.** A lower rate, a warm-up, larger batches, a moving average of the weights; more training items.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from penjing.checks import NotExamined
from penjing.checks._examples import example_trials
from penjing.checks._trials import WHOLE, beyond_chance, measured, noise_of, trials_of, unit_of
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("trials.seed",)
FOLLOWS = ("small_model", "few_examples")
PICTURE = "trials"
FEWEST = 3  # trainings, with the first
MORE_WANTED = "trials.whole seed"
APART = 0.03  # of the metric, the standard deviation of seeds without what the items scatter


def look(record: Record) -> Finding | NotExamined | None:
    """How far apart seeds are, or None."""
    whole = pl.col("share") >= WHOLE
    rows, itself = trials_of(record, "seed").filter(whole), trials_of(record, "itself").filter(whole)
    if len(rows) + 1 < FEWEST or itself.is_empty():
        return NotExamined("unstable", (MORE_WANTED,))
    first = itself.row(-1, named=True)
    values = np.array([first["value"], *rows["value"]], dtype=np.float64)
    spread = float(values.std(ddof=1))
    of_items = noise_of(rows)
    is_clear = spread**2 > of_items * beyond_chance(len(values) - 1)
    apart = math.sqrt(max(0.0, spread**2 - of_items))
    unit = unit_of(first)
    if apart < APART * unit or not is_clear:
        return None
    return Finding(
        name="unstable",
        level="warning",
        message=f"It depends on the seed: {len(values)} trainings that differ in nothing else reach "
        f"{float(values.min()):.3g} to {float(values.max()):.3g} of {first['metric']}, a standard deviation of "
        f"{measured(spread, unit)}, of which the items explain {measured(math.sqrt(of_items), unit)}. "
        "Lower the rate with --set optimiser.rate, or average the weights with --set training.ema.",
        evidence={"values": values.tolist(), "spread": spread, "of_items": math.sqrt(of_items)},
        remedies=("--set optimiser.rate", "--set training.ema"),
    )


def sick() -> Record:
    """Seeds ten points apart."""
    return example_trials(
        {"experiment": "seed", "setting": "1", "gain": -0.1}, {"experiment": "seed", "setting": "2", "gain": 0.02}
    )


def healthy() -> Record:
    """Seeds half a point apart."""
    return example_trials(
        {"experiment": "seed", "setting": "1", "gain": -0.005}, {"experiment": "seed", "setting": "2", "gain": 0.003}
    )
