"""The loss on validation rose while the loss on the training items went on falling.

**What it sees.** How far the validation loss stood at the end above its least, and whether the training loss went on
falling from there. And whether the training items are known by heart, with hardly any loss, where validation items
have much, or much better than those while a simple model is better than the network.

**Why it is bad.** What was learned since holds for the training items alone. The network grows surer and no more right:
its probabilities cannot be relied on, and its answers may have become worse.

**Known false alarms.** A training of penjing's keeps the weights of its best moment, so what came after it is time lost
and good to know, unless the network knew its training items by heart even then, or a simple model or the constant
answer is better. Other logs do not say which weights were kept. Where nearly everything is right, a rise by a large
share is a rise by nothing: it must be something beside the loss of the constant answer too, or beside the first loss
where that answer is not known.

**What to do.** More data, more augmentation, more weight decay or dropout, a smaller network, or an earlier stop.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from penjing.checks import CONSTANT, ahead, constant_loss, gain, series, sound_steps
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.train/loss", "steps.valid/loss")
FOLLOWS = ("exploding_gradient", "drift", "wrong_loss", "wrong_output")
PICTURE = "losses"
FEWEST = 5  # evaluations: of fewer a rise is one unlucky reading
# How far the validation loss must have risen: beside its least, and beside all that it ever fell.
RISE, OF_THE_FALL = 0.10, 0.05
# How far the training loss must have fallen meanwhile.
FALL = 0.10
OF_CONSTANT = 0.02  # of the loss of the constant answer, where it is known, that the rise must be
# The same of the first loss, where it is not: that is a fraction of the constant answer's after a whole epoch.
OF_FIRST = 0.10
# By heart: the training loss beside the validation loss, also where a simple model is better; how far apart both are,
# beside the loss of the constant answer.
HEART, BEHIND, GAP = 0.15, 0.2, 0.15


def look(record: Record) -> Finding | None:
    """How far the losses went apart, or None when they did not."""
    steps = sound_steps(record).drop_nulls(["train/loss", "valid/loss"])
    train, valid = series(steps, "train/loss"), series(steps, "valid/loss")
    if len(valid) < FEWEST:
        return None
    best, constant, behind = int(valid.argmin()), constant_loss(record), _behind(record)
    holds = _holds(record, float(valid[best]), constant)
    if not _is_risen(train, valid, best, constant):
        return _by_heart(train, valid, constant, behind=behind, holds=holds)
    keeps_best = "value" in steps.columns
    knew = _is_known(float(train[best]), float(valid[best]), constant, HEART)
    at = int(steps["step"][best])
    advice = "--set training.patience=3" if not record.is_foreign else "the best validation loss, and keep its weights"
    return Finding(
        name="overfit",
        level="warning" if behind or knew or not holds or not keeps_best else "info",
        message=f"It over-fits: since {record.counted} {at:,} the validation loss rose from {valid[best]:.3g} to "
        f"{valid[-1]:.3g} while the training loss fell from {train[best]:.3g} to {train[-1]:.3g}. Give it more data or "
        f"more augmentation, or stop it {'at' if record.is_foreign else 'earlier with'} {advice}.",
        evidence={
            "step": at,
            "least_valid_loss": float(valid[best]),
            "last_valid_loss": float(valid[-1]),
            "train_loss_then": float(train[best]),
            "last_train_loss": float(train[-1]),
        },
        remedies=() if record.is_foreign else ("--set training.patience=3",),
    )


def _is_risen(
    train: Float[np.ndarray, " rows"], valid: Float[np.ndarray, " rows"], best: int, constant: float | None
) -> bool:
    """Whether the validation loss rose since its least, and the training loss fell."""
    rise, fall = valid[-1] - valid[best], train[best] - train[-1]
    # The last three together: one high reading at the end is no rise.
    is_steady = float(np.median(valid[-3:])) > valid[best] * (1 + RISE / 2)
    is_large = rise > max(RISE * abs(valid[best]), OF_THE_FALL * (valid[0] - valid[best]))
    least = OF_FIRST * max(train[0], valid[0]) if constant is None else OF_CONSTANT * constant
    matters = rise >= least
    return bool(is_large and is_steady and fall > FALL * abs(train[best]) and matters)


def _is_known(train: float, valid: float, constant: float | None, share: float) -> bool:
    """Whether training items have at most a share of the loss of validation items, which have much of it."""
    return constant is not None and 0 <= train <= share * valid and valid - train >= GAP * constant


def _by_heart(
    train: Float[np.ndarray, " rows"],
    valid: Float[np.ndarray, " rows"],
    constant: float | None,
    *,
    behind: str,
    holds: bool,
) -> Finding | None:
    """Training items with hardly a loss beside validation items with much of one, or None."""
    if not _is_known(float(train[-1]), float(valid[-1]), constant, BEHIND if behind else HEART):
        return None
    told = f", where a simple model {behind}" if behind else ""
    told = told if holds else ", where it is not clearly better than the constant answer"
    return Finding(
        name="overfit",
        level="warning" if behind or not holds else "info",
        message=f"It knows its training items by heart: a loss of {train[-1]:.3g} on them, of {valid[-1]:.3g} on "
        f"validation items{told}. More data, more augmentation or more weight decay bring both closer together.",
        evidence={"last_train_loss": float(train[-1]), "last_valid_loss": float(valid[-1])},
        remedies=("--set training.patience=3",),
    )


def _behind(record: Record) -> str:
    """What a simple model is that is clearly better on validation items; "" where none is."""
    found = ahead(record) if _has(record, "probability") else None
    return "" if found is None else "has more right" if found[1] == "right" else "is better"


def _holds(record: Record, least: float, constant: float | None) -> bool:
    """Whether answers are clearly better than the constant one: those that were kept, which are calibrated, where they
    are known, or else those of the least validation loss."""
    found = gain(record, "loss", CONSTANT) if _has(record, "loss") else None
    return found.low > 0 if found is not None else constant is None or least < constant


def _has(record: Record, column: str) -> bool:
    return record.items is not None and {"model", "loss", column} <= set(record.items.columns)


def sick() -> Record:
    """A validation loss that turns at the fourth evaluation."""
    return example_steps(valid__loss=[1.3, 1.0, 0.85, 0.8, 0.84, 0.9, 0.97, 1.05, 1.1, 1.12])


def healthy() -> Record:
    """A validation loss that stays above the training loss and falls with it."""
    return example_steps()
