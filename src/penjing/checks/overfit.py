"""The loss on validation rose while the loss on the training items went on falling.

**What it sees.** How far the validation loss stood at the end above its least, and whether the training loss went on
falling from there.

**Why it is bad.** What was learned since holds for the training items alone. The network grows surer and no more right:
its probabilities cannot be relied on, and its answers may have become worse.

**Known false alarms.** Accuracy often goes on rising while the loss rises, because a few wrong answers are given with
great certainty; the answers are then better and only the probabilities are worse.

**What to do.** More data, more augmentation, more weight decay or dropout, a smaller network, or an earlier stop.
"""

from __future__ import annotations

import numpy as np

from penjing.checks import example_steps, series, sound_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.train/loss", "steps.valid/loss")
FEWEST = 5  # evaluations: of fewer a rise is one unlucky reading
# How far the validation loss must have risen: beside its least, and beside all that it ever fell.
RISE, OF_THE_FALL = 0.10, 0.05
# How far the training loss must have fallen meanwhile.
FALL = 0.10


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
    at = int(steps["step"][best])
    return Finding(
        name="overfit",
        level="warning",
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


def sick() -> Record:
    """A validation loss that turns at the fourth evaluation."""
    return example_steps(valid__loss=[1.3, 1.0, 0.85, 0.8, 0.84, 0.9, 0.97, 1.05, 1.1, 1.12])


def healthy() -> Record:
    """A validation loss that stays above the training loss and falls with it."""
    return example_steps()
