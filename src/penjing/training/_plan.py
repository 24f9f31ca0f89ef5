"""How far a training is, when the number of steps may change on the way.

A deadline fixes seconds, not steps. When the machine turns out faster or slower than the probe said, the rest of
the schedule is stretched or shortened: a *replan*. Each is written in the recipe, so replaying the recipe takes the
same steps at the same rates and ends with the same weights.
"""

from __future__ import annotations

import math
from dataclasses import replace

from penjing.core.recipe import Training


def total_steps(training: Training) -> int:
    """The number of updates after all replans."""
    return training.replans[-1][1] if training.replans else training.steps


def progress(step: int, training: Training) -> float:
    """How much of the schedule is behind before update `step` (counted from 0): 0 at the start, 1 at the end."""
    begun, reached, total = 0, 0.0, training.steps
    for at, new_total in training.replans:
        if step <= at:
            break
        reached = _advance(reached, begun, at, total)
        begun, total = at, new_total
    return _advance(reached, begun, step, total)


def _advance(reached: float, begun: int, step: int, total: int) -> float:
    if total <= begun:
        return 1.0
    return min(1.0, reached + (1 - reached) * (step - begun) / (total - begun))


def replanned(training: Training, step: int, total: int) -> Training:
    """The same training with `total` updates in all, decided after `step` updates.

    Args:
        step: updates already done.
        total: the new number of updates, more than `step`.
    """
    return replace(training, replans=(*training.replans, (step, max(total, step + 1))))


def planned_anew(training: Training, steps: int) -> Training:
    """The same training as one plan of `steps` updates, without the replans of an earlier one."""
    return replace(training, steps=steps, replans=())


def evaluations_due(step: int, training: Training) -> bool:
    """Whether validation is measured after `step` updates: evenly spread over the schedule, and at its end."""
    if step >= total_steps(training):
        return True
    # A hair is added so that a progress of exactly k/evaluations is not lost to rounding.
    marks = [math.floor(progress(at, training) * training.evaluations + 1e-9) for at in (step - 1, step)]
    return marks[1] > marks[0]


def batch_at(step: int, items: int, batch_size: int) -> tuple[int, int]:
    """(epoch, position in the epoch) of update `step`; an incomplete last batch of an epoch is left out."""
    per_epoch = max(1, items // batch_size) if batch_size else 1
    return divmod(step, per_epoch)
