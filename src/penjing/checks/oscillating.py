"""The updates pull to and fro instead of settling.

**What it sees.** Over the second half of the evaluations, how far the loss on the training items moved up and down
beside the way that it made, as a share of where it stood. That early losses, or that of a single early batch, lay far
above what an untrained network or the constant answer has, while updates were a third of the weights and more; or that
updates were as large as the weights. And that batches hold other classes than
the training items do, again and again: they are not dealt at random, and each pulls towards the classes that it holds.

**Why it is bad.** The updates leap over what they look for. Which weights are kept is luck, and they are worse than
what smaller steps would have reached.

**Known false alarms.** Very few training items, or a loss that is nearly nothing, move by large shares for small
reasons; losses below a hundredth of the first one, or a twentieth of the constant answer's, are left out, and below a
twentieth of the first one where that answer is not known: after an epoch most of the way may be made.

**What to do.** A lower rate, a schedule that falls to zero, larger batches, or a moving average of the weights; shuffle
the items.
"""

from __future__ import annotations

import numpy as np

from penjing.checks import LEAP, by_layer, class_answers, constant_loss, first_of, series, sound_steps, untrained_loss
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.train/loss",)
FOLLOWS = ("exploding_gradient", "unscaled_input")
PICTURE = "losses"
FEWEST = 6  # evaluations
BACK_AND_FORTH = 0.8  # of the mean level, summed over the second half
SETTLED = 0.05  # of the loss of the constant answer
SETTLED_AT_FIRST = 0.01  # of the first loss
ABOVE = 1.3  # times the loss of an untrained network, early losses
ABOVE_ONCE = 2.0  # the same of a single batch, which scatters
# An update of the weights' own size leaps whatever the loss does, unless there is little but a linear model, whose
# weights begin at next to nothing.
FAR, FEWEST_LAYERS = 1.0, 3
# Evaluations; how far apart batches are, beside batches of one class each; how often chance does that.
FEWEST_BATCHES, UNLIKE, RARE = 3, 0.6, 1e-3


def look(record: Record) -> Finding | None:
    """How it pulls to and fro, or None."""
    return _sorted(record) or _restless(record) or _leaping(record)


def _restless(record: Record) -> Finding | None:
    losses = series(sound_steps(record), "train/loss")
    if len(losses) < FEWEST:
        return None
    late = losses[len(losses) // 2 :]
    level = float(np.abs(late).mean())
    way = float(np.abs(np.diff(late)).sum())
    detour = (way - abs(float(late[-1] - late[0]))) / max(level, 1e-12)
    constant = constant_loss(record)
    least = SETTLED if constant is None else SETTLED_AT_FIRST
    nothing = max(least * abs(float(losses[0])), SETTLED * (constant or 0.0))
    if detour < BACK_AND_FORTH * len(late) / 5 or level < nothing:
        return None
    told = (
        f"The loss does not settle: over the last {len(late)} evaluations it went up and down between "
        f"{late.min():.3g} and {late.max():.3g}."
    )
    evidence = {"detour": detour, "least": float(late.min()), "most": float(late.max()), "level": level}
    if record.is_foreign:
        advice = "Lower the learning rate, or let it fall to zero towards the end."
        return Finding("oscillating", "warning", f"{told} {advice}", evidence)
    advice = "Lower the rate with --set optimiser.rate, or let it fall to zero with --set schedule=one_cycle."
    return _finding(f"{told} {advice}", evidence)


def _leaping(record: Record) -> Finding | None:
    """Early losses far above those of no training at all, by updates as large as weights."""
    steps, first = sound_steps(record), first_of(record, "loss")
    if first is None or "train/running_loss" not in steps.columns or steps.is_empty():
        return None
    ratios = [float(values.max()) for values in by_layer(steps, "layer", "update_ratio").values()]
    early = series(steps, "train/running_loss")[: max(1, len(steps) // 3)]
    is_solved = record.choices is not None and record.choices.get("optimiser.name") == "lbfgs"  # in steps of any size
    if is_solved or not (len(early) and ratios):
        return None
    # A layer that leaps has large weights from then on, beside which updates look small.
    leap = max(float(np.median(ratios)), first_of(record, "update_ratio") or 0.0)
    base = max(first, untrained_loss(record))
    loss = float(early.max())
    once = series(steps, "train/largest_loss")[: len(early)] if "train/largest_loss" in steps.columns else early
    if len(once) and once.max() >= ABOVE_ONCE * base:  # what an average over many batches hides
        loss = max(loss, float(once.max()))
    above = loss / max(base, 1e-12)
    is_far = leap >= FAR and len(ratios) >= FEWEST_LAYERS
    if leap < LEAP or not (above >= ABOVE or is_far):
        return None
    rose = f", and the loss was {loss:.3g} then, {above:.1f} times that of the untrained network" * (above >= ABOVE)
    return _finding(
        f"The first updates leap: one changed a layer's weights by {leap:.0%} of their size{rose}. Lower the rate with "
        "--set optimiser.rate, or begin with a lower one (--set schedule=one_cycle).",
        {"above": above, "update_ratio": leap, "early_loss": loss, "untrained_loss": base},
    )


def _sorted(record: Record) -> Finding | None:
    """Batches that are not dealt at random."""
    steps = sound_steps(record)
    if "batch/apart" not in steps.columns or len(apart := series(steps, "batch/apart")) < FEWEST_BATCHES:
        return None
    usual, chance = float(np.median(apart)), float(np.median(series(steps, "batch/chance")))
    if usual < UNLIKE * _apart_by_class(record) or chance > RARE:
        return None
    return _finding(
        f"Batches are not dealt at random: a batch's targets lie {100 * usual:.0f} points of 100 apart from those of "
        "all training items, evaluation after evaluation, so each update pulls towards the items of its batch and the "
        "next ones pull back. Shuffle the items.",
        {"apart": usual, "chance": chance},
    )


def _apart_by_class(record: Record) -> float:
    """How far batches of one class each lie from all items on average; 1 where there are no classes."""
    if record.items is None or not {"model", "target", "probability"} <= set(record.items.columns):
        return 1.0
    of_classes = class_answers(record)
    shares = of_classes["target"].value_counts()["count"].to_numpy() / max(1, len(of_classes))
    return float(1 - (shares**2).sum()) if len(shares) > 1 else 1.0


def _finding(message: str, evidence: dict[str, float]) -> Finding:
    remedies = ("--set optimiser.rate", "--set schedule=one_cycle")
    return Finding("oscillating", "warning", message, evidence, remedies=remedies)


def sick() -> Record:
    """A loss that leaps."""
    return example_steps(train__loss=[1.2, 0.8, 1.1, 0.7, 1.2, 0.6, 1.1, 0.5, 1.0, 0.6])


def healthy() -> Record:
    """A loss that trembles a little on its way."""
    return example_steps(train__loss=[1.2, 0.9, 0.7, 0.55, 0.5, 0.46, 0.49, 0.4, 0.42, 0.38])
