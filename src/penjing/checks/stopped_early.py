"""It was stopped while it was still learning fast.

**What it sees.** Whether the losses on training and on validation items still fell by much over the last fifth of the
evaluations, while they lay side by side: the network had not begun to know its training items better than others.

**Why it is bad.** More updates would have made it better, with no other change.

**Known false alarms.** Where the rate falls to zero, losses fall at the end of any training, by little where there is
little left to learn.

**What to do.** More --time, or more updates with --set training.steps.
"""

from __future__ import annotations

from penjing.checks import example_steps, series, sound_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.train/loss", "steps.valid/loss")
FOLLOWS = ("crawling", "large_batch", "dead_units", "saturated_units", "vanishing_gradient", "wrong_output")
PICTURE = "losses"
FEWEST = 5  # evaluations
# Of the validation loss, what the last fifth of the evaluations still took off.
FALLING = 0.08
# How much more the validation loss may be than the training loss, as a share of it.
APART = 0.10


def look(record: Record) -> Finding | None:
    """How fast it was still falling, or None."""
    steps = sound_steps(record).drop_nulls(["train/loss", "valid/loss"])
    train, valid = series(steps, "train/loss"), series(steps, "valid/loss")
    if len(valid) < FEWEST or train[-1] <= 0 or valid[-1] <= 0:
        return None
    before = max(1, len(valid) // 5)
    fall = {name: float(1 - values[-1] / values[-1 - before]) for name, values in (("train", train), ("valid", valid))}
    gap = float(valid[-1] / train[-1] - 1)
    if fall["valid"] < FALLING or fall["train"] < FALLING or gap > APART or valid[-1] > valid.min():
        return None
    return Finding(
        name="stopped_early",
        level="warning",
        message=f"It stopped while it was still learning: over the last {before / len(valid):.0%} of the updates the "
        f"validation loss fell by {fall['valid']:.0%}, to {valid[-1]:.3g}, and the training loss is {train[-1]:.3g}. "
        "Give it more --time, or more updates with --set training.steps.",
        evidence={"train_fall": fall["train"], "valid_fall": fall["valid"], "gap": gap},
        remedies=("--time", "--set training.steps"),
    )


def sick() -> Record:
    """Losses that fall by a tenth at each evaluation to the end."""
    falling = [1.5 * 0.9**row for row in range(10)]
    return example_steps(train__loss=falling, valid__loss=[loss * 1.02 for loss in falling])


def healthy() -> Record:
    """Losses that have levelled off."""
    return example_steps()
