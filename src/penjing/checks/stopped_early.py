"""It was stopped while it was still learning fast.

**What it sees.** Whether the losses on training and on validation items still fell by much over the last fifth of the
evaluations, while they lay side by side: the network had not begun to know its training items better than others. And
whether it saw each item hardly more than once, in few updates, while the losses of its batches still fell, by much or
by more than they scatter.

**Why it is bad.** More updates would have made it better, with no other change.

**Known false alarms.** Where the rate falls to zero, losses fall at the end of any training, by little where there is
little left to learn: a fall that is nothing beside the loss of the constant answer, or beside the first loss where that
answer is not known, does not count.

**What to do.** More --time, or more updates with --set training.steps.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from penjing.checks import HAMPERS, constant_loss, first_of, series, sound_steps, target_of
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.train/loss", "steps.valid/loss")
FOLLOWS = (*HAMPERS, "diverged")
PICTURE = "losses"
FEWEST = 5  # evaluations
# Of the validation loss, what the last fifth of the evaluations still took off.
FALLING = 0.08
MATTERS = 0.02  # the same of the loss of the constant answer, or of the first loss where that is not known
# How much more the validation loss may be than the training loss, as a share of it.
APART = 0.10
# Updates, and how often each item was seen: hardly more than once, or in next to no updates.
HARDLY = ((200, 3.0), (50, 10.0))
LEFT = 0.25  # of the loss that it began with: below, it has nearly learned all in spite of that
# Of the loss of batches, the least fall over the last third; standard errors by which it is beyond their scatter.
FALLING_AT_ALL, BEYOND = 0.01, 3.0


def look(record: Record) -> Finding | None:
    """How fast it was still falling, or None."""
    return _falling(record) or _hardly_begun(record)


def _falling(record: Record) -> Finding | None:
    steps = sound_steps(record).drop_nulls(["train/loss", "valid/loss"])
    train, valid = series(steps, "train/loss"), series(steps, "valid/loss")
    if len(valid) < FEWEST or train[-1] <= 0 or valid[-1] <= 0:
        return None
    before = max(1, len(valid) // 5)
    fall = {name: float(1 - values[-1] / values[-1 - before]) for name, values in (("train", train), ("valid", valid))}
    gap = float(valid[-1] / train[-1] - 1)
    least = MATTERS * (constant_loss(record) or max(train[0], valid[0]))
    if fall["valid"] < FALLING or valid[-1 - before] - valid[-1] < least:
        return None
    if fall["train"] < FALLING or gap > APART or valid[-1] > valid.min():
        return None
    return _finding(
        record,
        f"over the last {before / len(valid):.0%} of the {record.counted}s the validation loss fell by "
        f"{fall['valid']:.0%}, to {valid[-1]:.3g}, and the training loss is {train[-1]:.3g}.",
        {"train_fall": fall["train"], "valid_fall": fall["valid"], "gap": gap},
    )


def _hardly_begun(record: Record) -> Finding | None:
    """Few updates, few passes, and batches whose losses still fall."""
    steps = sound_steps(record)
    if record.inputs is None or record.choices is None or not {"step", "train/running_loss"} <= set(steps.columns):
        return None
    losses = series(steps, "train/running_loss")
    items = int(target_of(record)["train_items"])
    batch = int(record.choices["training.batch_size"]) or items
    updates = int(series(steps, "step").max(initial=0))
    passes, third = updates * batch / max(1, items), len(losses) // 3
    if third == 0 or not any(updates <= few and passes <= seen for few, seen in HARDLY):
        return None
    before, last = float(losses[-2 * third : -third].mean()), float(losses[-third:].mean())
    fall = 1 - last / before if before else 0.0
    is_falling = fall >= FALLING or (fall >= FALLING_AT_ALL and before - last >= BEYOND * _scatter(steps, third))
    left = last / max(first_of(record, "loss") or float(losses[0]), 1e-12)
    if record.choices.get("task.name") == "regress" and record.choices.get("task.loss") != "absolute":
        left = math.sqrt(max(0.0, left))  # of the squared error, what others are of the error
    if not is_falling or left < LEFT:
        return None
    return _finding(
        record,
        f"it took {updates:,} updates, in which it saw each training item {passes:.1f} times, and the loss of its "
        f"batches still fell by {fall:.0%} over the last third of them.",
        {"updates": updates, "passes": passes, "running_fall": fall},
    )


def _scatter(steps: pl.DataFrame, third: int) -> float:
    """The standard error of how far the losses of batches fell over the last third of the evaluations, by how those
    scatter from one to the next."""
    losses, at = series(steps, "train/running_loss"), series(steps, "step")
    if "train/loss_noise" in steps.columns and len(noise := series(steps, "train/loss_noise")):
        each, batches = float(np.median(noise)), float(at[-1] - at[-third - 1]) if len(at) > third else float(at[-1])
    else:  # a batch an evaluation
        each, batches = float(np.sqrt((np.diff(losses, 2) ** 2).mean() / 6)) if len(losses) > 2 else 0.0, float(third)
    return each * math.sqrt(2 / max(1.0, batches))


def _finding(record: Record, told: str, evidence: dict[str, float]) -> Finding:
    advice = "Give it more --time, or more updates with --set training.steps."
    return Finding(
        name="stopped_early",
        level="warning",
        message=f"It stopped while it was still learning: {told} "
        f"{f'Give it more {record.counted}s.' if record.is_foreign else advice}",
        evidence=evidence,
        remedies=() if record.is_foreign else ("--time", "--set training.steps"),
    )


def sick() -> Record:
    """Losses that fall by a tenth at each evaluation to the end."""
    falling = [1.5 * 0.9**row for row in range(10)]
    return example_steps(train__loss=falling, valid__loss=[loss * 1.02 for loss in falling])


def healthy() -> Record:
    """Losses that have levelled off."""
    return example_steps()
