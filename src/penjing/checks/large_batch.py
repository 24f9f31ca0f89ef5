"""Batches are larger than they need to be, and there were few updates.

**What it sees.** Of two gradients in a row, how much they have in common beside what they do not: the gradient noise
scale as a multiple of the batch, over the first half of the training; and how many updates there were. Or that each
update took half of all items or more, and there were a few dozen of them.

**Why it is bad.** A batch of a tenth would point nearly the same way for a tenth of the arithmetic: in the same time
there would be many more updates.

**Known false alarms.** Gradients in a row are alike wherever little is left to learn or little is learned, so by that
alone it is good to know. Where a batch of a tenth takes as long (a large, half-empty device), nothing is lost. Convex
problems that are solved with all items at once are meant to be.

**What to do.** A quarter of the batch and four times the updates: --set training.batch_size.

Source: S. McCandlish, J. Kaplan, D. Amodei, An empirical model of large-batch training, 2018.
"""

from __future__ import annotations

import math

from penjing.checks import choices_of, early_noise, series, sound_steps, target_of
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.step", "steps.gradient/square", "steps.gradient/shared", "choices.training.batch_size")
FOLLOWS = ("diverged",)
PICTURE = "noise"
SMALLEST = 128  # items, from which on a batch can be large
QUIET = 0.8  # times the batch
FEW = 300  # updates
HALF, FEW_OF_HALF = 0.5, 50  # of the training items an update, from which on so few updates are too few


def look(record: Record) -> Finding | None:
    """How little noise there is, or None."""
    choices = choices_of(record)
    batch, times = int(choices["training.batch_size"]), early_noise(record)
    updates = int(series(sound_steps(record), "step").max(initial=0))
    if choices.get("optimiser.name") == "lbfgs":
        return None
    is_half = (batch == 0 or batch >= HALF * _items(record)) and 0 < updates <= FEW_OF_HALF
    if is_half:
        why = "each item was seen often, and the network was changed seldom"
    elif (batch == 0 or batch >= SMALLEST) and times is not None and times <= QUIET and updates <= FEW:
        why = "gradients in a row are nearly all alike, so a much smaller batch would point the same way"
    else:
        return None
    taken = int(min(batch, _items(record)))  # a batch of more items than there are is one of all
    told, smaller = (f"{taken:,} items", f"={max(1, taken // 4)}") if batch else ("all items", "")
    known = {"noise_times": times, "items": _items(record)}
    noise = {name: value for name, value in known.items() if value is not None and math.isfinite(value)}
    return Finding(
        name="large_batch",
        level="warning" if is_half else "info",
        message=f"With {told} an update there were {updates:,} updates only, and {why}. Take smaller ones with --set "
        f"training.batch_size{smaller}, and more updates.",
        evidence={"batch_size": batch, "updates": updates, **noise},
        remedies=(f"--set training.batch_size{smaller}",),
    )


def _items(record: Record) -> float:
    """How many items are learned from; without end where it is not known."""
    if record.inputs is None:
        return math.inf
    return float(target_of(record)["train_items"])


def sick() -> Record:
    """Two thousand items an update, a hundred updates, and gradients that are all alike."""
    return _example(2048, 0.97, 10)


def healthy() -> Record:
    """The same batches where gradients differ."""
    return _example(2048, 0.2, 10)


def _example(batch: int, shared: float, apart: int) -> Record:
    at = [apart * (row + 1) for row in range(10)]
    steps = example_steps(step=at, gradient__square=1.0, gradient__shared=shared)
    return steps.also(choices={"training.batch_size": batch})
