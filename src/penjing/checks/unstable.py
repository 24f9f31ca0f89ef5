"""Other seeds give clearly better or worse networks.

**What it sees.** The same training with other seeds, judged on the same validation items: how far apart the metric is,
and whether that is more than the items themselves would scatter.

**Why it is bad.** What was reached is partly luck: the next training may be worse, and small improvements drown.

**Known false alarms.** On few validation items two networks of the same worth differ by points; the intervals of the
differences must be clear of zero.

**What to do.** A lower rate, a warm-up, larger batches, a moving average of the weights; more training items.
"""

from __future__ import annotations

import numpy as np

from penjing.checks import shown
from penjing.checks._examples import example_trials
from penjing.checks._trials import trials_of
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("trials.seed",)
PICTURE = "trials"
FEWEST = 3  # trainings, with the first
WHOLE = 0.9  # of the updates, that other seeds must have taken
APART = 0.03  # of the metric, its standard deviation


def look(record: Record) -> Finding | None:
    """How far apart seeds are, or None."""
    rows = trials_of(record, "seed")
    itself = trials_of(record, "itself").row(-1, named=True)
    if len(rows) + 1 < FEWEST or itself["share"] < WHOLE:  # a training cut short is unsettled for that reason
        return None
    values = np.array([itself["value"], *rows["value"]], dtype=np.float64)
    spread = float(values.std(ddof=1))
    is_clear = bool(((rows["gain_low"] > 0) | (rows["gain_high"] < 0)).any())
    if spread < APART or not is_clear:
        return None
    return Finding(
        name="unstable",
        level="warning",
        message=f"It depends on the seed: {len(values)} trainings that differ in nothing else reach "
        f"{float(values.min()):.3g} to {float(values.max()):.3g} of {itself['metric']}, a spread of {shown(spread)}. "
        "Lower the rate with --set optimiser.rate, or average the weights with --set training.ema.",
        evidence={"values": values.tolist(), "spread": spread},
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
