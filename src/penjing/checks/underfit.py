"""The network does not even fit its training items, and a simple model does better.

**What it sees.** That a linear model or boosted trees do better on the same validation items: the data hold more than
the network takes up. And that the network does not even fit what it learns from: its loss on the training items is
nearly that on validation items, or above what the simple model has on items that it never saw.

**Why it is bad.** The network is too small, too strongly held back, or was trained too little: it leaves on the table
what a simple model finds.

**Known false alarms.** A network that is stopped on purpose at its best moment looks the same; then the simple model is
simply better for these data.

**What to do.** A larger network, less weight decay, dropout and augmentation, more updates.
"""

from __future__ import annotations

from penjing.checks import HAMPERS, SIMPLE, class_answers, gain, series, sound_steps
from penjing.checks._examples import example_classes, example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.train/loss", "steps.valid/loss", "items.loss", "items.probability", "items.model")
FOLLOWS = (*HAMPERS, "not_learning", "stopped_early", "small_model")
PICTURE = "losses"
FEWEST = 30  # items
APART = 0.15  # validation loss above training loss, as a share
LEAST = 0.02  # of right answers that the simple model is ahead
FAR_APART = 0.6  # the same, beyond which it is over-fitting though the training loss is high
LESS = 0.1  # of the network's loss, that the simple model's is less where numbers are predicted


def look(record: Record) -> Finding | None:
    """How far both losses stay behind, or None."""
    assert record.items is not None
    steps = sound_steps(record).drop_nulls(["train/loss", "valid/loss"])
    if len(steps) == 0:
        return None
    is_classes = len(class_answers(record)) > 0
    row = int(series(steps, "valid/loss").argmin())
    train, valid = (float(series(steps, name)[row]) for name in ("train/loss", "valid/loss"))
    measure = "right" if is_classes else "loss"
    found = {name: one for name in SIMPLE if (one := gain(record, measure, [name], FEWEST)) is not None}
    if not found:
        return None
    name, behind = min(found.items(), key=lambda one: one[1].mean)
    least = LEAST if is_classes else LESS * behind.of
    if behind.high >= 0 or -behind.mean < least:
        return None
    losses = gain(record, "loss", [name], FEWEST)
    is_above = losses is not None and train * losses.of / max(valid, 1e-12) > losses.over
    if valid > train * (1 + (FAR_APART if is_above else APART)):
        return None
    is_said, was_said = (
        f"{one:.1%} right" if is_classes else f"a loss of {one:.3g}" for one in (behind.over, behind.of)
    )
    return Finding(
        name="underfit",
        level="warning",
        message=f"It under-fits: on its own training items the loss is {train:.3g} ({valid:.3g} on validation items), "
        f"and a simple model has {is_said} on validation where it has {was_said}. Hold it back less (dropout, weight "
        "decay, augmentation), take a larger network, or train longer.",
        evidence={"train_loss": train, "valid_loss": valid, "network": behind.of, "simple": behind.over},
        remedies=("--set optimiser.weight_decay=0", "--model", "--time"),
    )


def _record(right: int) -> Record:
    """A network with so many answers of a hundred right, and a linear model with ninety."""
    other = {"cat": "dog", "dog": "cat"}
    truth = [("cat", "dog")[row % 2] for row in range(100)]
    said = {
        model: [(name, name if row < count else other[name], 0.8) for row, name in enumerate(truth)]
        for model, count in (("network", right), ("linear", 90))
    }
    losses = [1.0, 0.9, 0.85, 0.82, 0.8, 0.79, 0.78, 0.78, 0.78, 0.78]
    steps = example_steps(train__loss=losses, valid__loss=[loss + 0.02 for loss in losses])
    return Record(steps=steps.steps, items=example_classes(said).items)


def sick() -> Record:
    """Losses side by side, and a linear model twenty answers ahead."""
    return _record(70)


def healthy() -> Record:
    """The same losses where no simple model is better: there may be no more in the data."""
    return _record(89)
