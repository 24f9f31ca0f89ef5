"""Batches are so small that their gradients are nearly all noise.

**What it sees.** Of two gradients in a row, how much they have in common beside what they do not: the gradient noise
scale as a multiple of the batch, over the first half of the training, where there is still something to learn; and
that the losses of single batches scatter by as much as the loss itself.

**Why it is bad.** Each update goes mostly in a direction of its own, so the rate must be low and the network is never
still; larger batches would take as few seconds an item and go straight.

**Known false alarms.** Late in any training gradients are nearly all noise; that is why the first half counts. Where
each item differs much from the next, even good batches are noisy.

**What to do.** Four times the batch with --set training.batch_size.

Source: S. McCandlish, J. Kaplan, D. Amodei, An empirical model of large-batch training, 2018.
"""

from __future__ import annotations

import math

import numpy as np

from penjing.checks import choices_of, early_noise, series, sound_steps
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = (
    "steps.gradient/square",
    "steps.gradient/shared",
    "steps.train/loss",
    "steps.train/loss_noise",
    "choices.training.batch_size",
)
PICTURE = "noise"
SMALL = 8  # items: larger batches are noisy for other reasons
NOISY = 30.0  # times the batch
_NOTHING = "two in a row have nothing in common"
# Items; times the batch: one or two items say little wherever there is any noise, whatever their losses do.
SINGLE, NOISY_SINGLE = 2, 2.0
SCATTER = 0.25  # of the loss, from batch to batch
SETTLED = 0.05  # of the first loss on training items: below, nothing is left to learn


def look(record: Record) -> Finding | None:
    """How noisy the gradients are, or None."""
    batch = int(choices_of(record)["training.batch_size"])
    times = early_noise(record)
    noise, losses = series(sound_steps(record), "train/loss_noise"), series(sound_steps(record), "train/running_loss")
    least = NOISY_SINGLE if batch <= SINGLE else NOISY
    if not 0 < batch <= SMALL or times is None or times < least or not len(noise):
        return None
    scatter = float(np.median(noise) / max(float(np.median(np.abs(losses))), 1e-12))
    learned = series(sound_steps(record), "train/loss")
    is_scattered = scatter >= SCATTER or batch <= SINGLE
    if not is_scattered or float(learned[-1]) < SETTLED * float(learned[0]):
        return None
    is_known = math.isfinite(times)
    wanting = f"they would need {times:,.0f} times as many to be as much signal as noise" if is_known else _NOTHING
    return Finding(
        name="small_batch",
        level="warning",
        message=f"With {batch} items an update, gradients are nearly all noise: {wanting}, and the loss scatters by "
        f"{scatter:.0%} from one to the next. Take larger ones with --set training.batch_size={4 * batch}.",
        evidence={"batch_size": batch, "scatter": scatter, **({"noise_scale": times * batch} if is_known else {})},
        remedies=(f"--set training.batch_size={4 * batch}",),
    )


def sick() -> Record:
    """Two items an update, and gradients with nothing in common."""
    return _example(2, 0.01, 0.9)


def healthy() -> Record:
    """Sixty-four items an update."""
    return _example(64, 0.3, 0.1)


def _example(batch: int, shared: float, noise: float) -> Record:
    steps = example_steps(gradient__square=1.0, gradient__shared=shared, train__loss_noise=noise)
    return steps.also(choices={"training.batch_size": batch})
