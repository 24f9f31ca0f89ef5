"""The loss on validation rose while the loss on the training items went on falling.

**What it sees.** How far the validation loss stood at the end above its least, and whether the training loss went on
falling from there.

**Why it is bad.** What was learned since holds for the training items alone. The network grows surer and no more right:
its probabilities cannot be relied on, and its answers may have become worse.

**Known false alarms.** Accuracy often goes on rising while the loss rises, because a few wrong answers are given with
great certainty; the answers are then better and only the probabilities are worse, which is said as good to know. Where
nearly everything is right, a rise by a large share is a rise by nothing: it must be something beside the loss of the
constant answer too.

**What to do.** More data, more augmentation, more weight decay or dropout, a smaller network, or an earlier stop.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from penjing.checks import example_steps, series, sound_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.train/loss", "steps.valid/loss")
PICTURE = "losses"
FEWEST = 5  # evaluations: of fewer a rise is one unlucky reading
# How far the validation loss must have risen: beside its least, and beside all that it ever fell.
RISE, OF_THE_FALL = 0.10, 0.05
# How far the training loss must have fallen meanwhile.
FALL = 0.10
OF_CONSTANT = 0.02  # of the loss of the constant answer, where it is known, that the rise must be
WORSE = 0.002  # of the watched metric, from which on the answers are worse too
CONSTANT = ("majority", "mean")


def look(record: Record) -> Finding | None:
    """How far the losses went apart, or None when they did not."""
    steps = sound_steps(record).drop_nulls(["train/loss", "valid/loss"])
    train, valid = series(steps, "train/loss"), series(steps, "valid/loss")
    if len(valid) < FEWEST:
        return None
    best = int(valid.argmin())
    rise, fall = valid[-1] - valid[best], train[best] - train[-1]
    # The last three together: one high reading at the end is no rise.
    is_steady = float(np.median(valid[-3:])) > valid[best] * (1 + RISE / 2)
    is_risen = rise > max(RISE * abs(valid[best]), OF_THE_FALL * (valid[0] - valid[best]))
    if not (is_risen and is_steady and fall > FALL * abs(train[best])):
        return None
    constant = _constant_loss(record)
    if constant is not None and rise < OF_CONSTANT * constant:
        return None
    values = series(steps, "value") if "value" in steps.columns else np.empty(0)
    is_only_surer = len(values) == len(valid) and float(values[-1]) >= float(values[best]) - WORSE
    at = int(steps["step"][best])
    return Finding(
        name="overfit",
        level="info" if is_only_surer else "warning",
        message=f"It over-fits: since update {at:,} the validation loss rose from {valid[best]:.3g} to "
        f"{valid[-1]:.3g} while the training loss fell from {train[best]:.3g} to {train[-1]:.3g}. Give it more data or "
        "more augmentation, or stop it earlier with --set training.patience=3.",
        evidence={
            "step": at,
            "least_valid_loss": float(valid[best]),
            "last_valid_loss": float(valid[-1]),
            "train_loss_then": float(train[best]),
            "last_train_loss": float(train[-1]),
        },
        remedies=("--set training.patience=3",),
    )


def _constant_loss(record: Record) -> float | None:
    """The mean loss of the answer that does not look at the items, or None where it is not known."""
    if record.items is None or not {"model", "loss"} <= set(record.items.columns):
        return None
    losses = record.items.filter(pl.col("model").is_in(CONSTANT))["loss"].drop_nulls()
    return None if losses.is_empty() else float(losses.mean())  # type: ignore[arg-type]


def sick() -> Record:
    """A validation loss that turns at the fourth evaluation."""
    return example_steps(valid__loss=[1.3, 1.0, 0.85, 0.8, 0.84, 0.9, 0.97, 1.05, 1.1, 1.12])


def healthy() -> Record:
    """A validation loss that stays above the training loss and falls with it."""
    return example_steps()
