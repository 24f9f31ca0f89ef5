"""The loss on validation rose while the loss on the training items went on falling.

**What it sees.** How far the validation loss stood at the end above its least, and whether the training loss went on
falling from there. And whether the training items are known by heart, with hardly any loss, where validation items
have much.

**Why it is bad.** What was learned since holds for the training items alone. The network grows surer and no more right:
its probabilities cannot be relied on, and its answers may have become worse.

**Known false alarms.** Accuracy often goes on rising while the loss rises, because a few wrong answers are given with
great certainty; unless the answers became worse by more than chance makes them, only the probabilities are worse, which
is said as good to know. So is a network that knows its training items by heart, unless a simple model is
better than it.
Where nearly everything is right, a rise by a large share is a rise by nothing: it must be something beside the loss of
the constant answer too.

**What to do.** More data, more augmentation, more weight decay or dropout, a smaller network, or an earlier stop.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from penjing.checks import chance_of, constant_loss, gain, series, sound_steps
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
# Of the watched metric, from which on the answers are worse too; or in standard errors, whichever is more.
WORSE, SURELY = 0.002, 2.0
# By heart: the training loss beside the validation loss, and how far apart both are, of the constant answer's loss.
HEART, GAP = 0.15, 0.15
SIMPLE = ("linear", "boosted_trees")


def look(record: Record) -> Finding | None:
    """How far the losses went apart, or None when they did not."""
    steps = sound_steps(record).drop_nulls(["train/loss", "valid/loss"])
    train, valid = series(steps, "train/loss"), series(steps, "valid/loss")
    if len(valid) < FEWEST:
        return None
    best = int(valid.argmin())
    if not _is_risen(train, valid, best, constant_loss(record)):
        return _by_heart(record, train, valid)
    values = series(steps, "value") if "value" in steps.columns else np.empty(0)
    is_only_surer = len(values) == len(valid) and not _is_worse(record, values, best)
    is_only_surer &= not _is_behind(record)
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


def _is_risen(
    train: Float[np.ndarray, " rows"], valid: Float[np.ndarray, " rows"], best: int, constant: float | None
) -> bool:
    """Whether the validation loss rose since its least, and the training loss fell."""
    rise, fall = valid[-1] - valid[best], train[best] - train[-1]
    # The last three together: one high reading at the end is no rise.
    is_steady = float(np.median(valid[-3:])) > valid[best] * (1 + RISE / 2)
    is_large = rise > max(RISE * abs(valid[best]), OF_THE_FALL * (valid[0] - valid[best]))
    matters = constant is None or rise >= OF_CONSTANT * constant
    return bool(is_large and is_steady and fall > FALL * abs(train[best]) and matters)


def _is_worse(record: Record, values: Float[np.ndarray, " rows"], best: int) -> bool:
    """Whether the watched metric fell since, by more than chance moves it."""
    least = max(WORSE, SURELY * chance_of(record, float(values[best])))
    return bool(values[-1] < values[best] - least)


def _by_heart(record: Record, train: Float[np.ndarray, " rows"], valid: Float[np.ndarray, " rows"]) -> Finding | None:
    """Training items without a loss beside validation items with much of one, or None."""
    gap, constant = float(valid[-1] - train[-1]), constant_loss(record)
    if constant is None or not (0 <= train[-1] <= HEART * valid[-1] and gap >= GAP * constant):
        return None
    is_behind = _is_behind(record)
    behind = ", where a simple model has more right" if is_behind else ""
    return Finding(
        name="overfit",
        level="warning" if is_behind else "info",
        message=f"It knows its training items by heart: a loss of {train[-1]:.3g} on them, of {valid[-1]:.3g} on "
        f"validation items{behind}. More data, more augmentation or more weight decay bring both closer together.",
        evidence={"last_train_loss": float(train[-1]), "last_valid_loss": float(valid[-1]), "gap": gap},
        remedies=("--set training.patience=3",),
    )


def _is_behind(record: Record) -> bool:
    """Whether a simple model clearly has more right answers."""
    found = [gain(record, "right", [name]) for name in SIMPLE] if record.items is not None else []
    return any(one is not None and one.high < 0 for one in found)


def sick() -> Record:
    """A validation loss that turns at the fourth evaluation."""
    return example_steps(valid__loss=[1.3, 1.0, 0.85, 0.8, 0.84, 0.9, 0.97, 1.05, 1.1, 1.12])


def healthy() -> Record:
    """A validation loss that stays above the training loss and falls with it."""
    return example_steps()
