"""Gradients are many times as large as they should be, at once or now and then.

**What it sees.** The norm of the gradient at every evaluation, before it was clipped: the largest beside the median and
beside the first. The largest loss of a batch, between evaluations too, beside that of a network that knows nothing. The
gradient of the very first update beside the weights, in the middle one of the layers, and the loss of the untrained
network beside that of one that knows nothing: weights that were drawn too large make both of them huge. And, where
numbers are predicted, how far the farthest target lies from the middle of the others.

**Why it is bad.** One such update can undo what hundreds have learned, and a few of them end in a loss that is not a
number. A target a thousand times as far away as usual has a gradient a thousand times the usual one, and brings all
others together when targets are scaled.

**Known false alarms.** Gradients are large in the first updates of many networks, which is why the first evaluation
does not count beside the median. Where the gradient is clipped already, little harm is done. Targets may truly range
over orders of magnitude: then learn their logarithm. Where it is learned, only targets are told whose logarithm
itself lies far off.

**What to do.** Clip the gradient, begin with a lower rate or smaller weights, normalise the layers; see whether the
farthest targets are slips.
"""

from __future__ import annotations

import numpy as np

from penjing.checks import LEAP, can_set, first_of, series, sound_steps, steps_of, target_of, untrained_loss
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record
from penjing.core.statistics import FAR_OUT

NEEDS = ("steps.gradient/norm|first/loss",)
FOLLOWS = ("unscaled_input", "wrong_output")
PICTURE = "gradient"
FEWEST = 5  # evaluations
TIMES = 50.0  # the median
# Times the first: near a loss of zero the usual gradient is almost nothing, and any batch that is not yet right stands
# out, though hardly above those of a network that knew nothing.
OF_FIRST = 10.0
SINGLE = 8  # items of a batch: with fewer, the loss of one item that is far off is that of the batch
AT_FIRST = 30.0  # times the weights, the first gradient
ABOVE = 10.0  # times the loss of a network that knows nothing, that of the untrained network
# Times the range of their middle half, a logarithm above the median: log-normal ones lie under 3, slips by a thousand
# of numbers that spread over one order of magnitude at 8 and more.
FAR_IN_LOGS = 6.0


def look(record: Record) -> Finding | None:
    """How much too large gradients were, or None."""
    return _single(record) or _first(record) or _far_targets(record) or _spike(record)


def _single(record: Record) -> Finding | None:
    if "gradient/norm" not in steps_of(record).columns:
        return None
    norms, leap = series(sound_steps(record), "gradient/norm"), first_of(record, "update_ratio")
    if len(norms) < FEWEST or (leap is not None and leap >= LEAP):  # `oscillating` speaks of first updates that leap
        return None
    usual, largest = float(np.median(norms)), float(norms[1:].max())
    first = max(float(norms[0]), first_of(record, "gradient_norm") or 0.0)
    if largest == 0 or largest < TIMES * usual or largest < OF_FIRST * first:
        return None
    times = f"{largest / usual:,.0f} times the usual one" if usual else "the usual one being 0"
    told = f"the largest one seen had a norm of {largest:.3g}, {times}."
    evidence = {"largest": largest, "median": usual, "first": first}
    if record.is_foreign:
        advice = "Clip them to a norm of 1, or lower the rate."
        return Finding("exploding_gradient", "warning", f"Gradients explode: {told} {advice}", evidence)
    return _finding(f"{told} Clip them with --set training.clip_norm=1, or lower the rate.", evidence)


def _spike(record: Record) -> Finding | None:
    """A batch with far more loss than one of a network that knows nothing."""
    steps, first, leap = sound_steps(record), first_of(record, "loss"), first_of(record, "update_ratio")
    if first is None or "train/largest_loss" not in steps.columns or (leap is not None and leap >= LEAP):
        return None
    largest, base = series(steps, "train/largest_loss").max(initial=0.0), max(first, untrained_loss(record))
    batch = int((record.choices or {}).get("training.batch_size", SINGLE))
    if largest == 0 or largest < ABOVE * base or 0 < batch <= SINGLE:
        return None
    times = f"{largest / base:,.0f} times that of the untrained network" if base else "the untrained one having 0"
    return _finding(
        f"a batch had a loss of {largest:,.3g}, {times}. Clip them with --set training.clip_norm=1, or lower the rate.",
        {"largest_loss": float(largest), "untrained_loss": base},
    )


def _first(record: Record) -> Finding | None:
    ratio, loss, untrained = first_of(record, "gradient_ratio"), first_of(record, "loss"), untrained_loss(record)
    if ratio is not None and ratio >= AT_FIRST:
        told = f"that of the very first update was {ratio:,.0f} times as large as the weights of the middle layer"
    elif loss is not None and untrained and loss >= ABOVE * untrained:
        told = f"the untrained network has a loss of {loss:,.3g}, one that knows nothing {untrained:.3g}"
    else:
        return None
    evidence = {name: value for name, value in (("first_ratio", ratio), ("first_loss", loss)) if value is not None}
    smaller = "Draw smaller weights"
    if can_set(record, "model.begins"):
        smaller = "Let the layers draw their weights themselves with --set model.begins=drawn"
    return _finding(
        f"{told}. {smaller}, normalise the layers, or clip gradients with --set training.clip_norm=1.",
        evidence,
    )


def _far_targets(record: Record) -> Finding | None:
    if record.inputs is None or "half" not in record.inputs.columns or record.choices is None:
        return None
    if record.choices.get("task.name") != "regress" or record.choices.get("task.target_transform") == "log":
        return None  # the logarithm of a target far away is near enough
    target = target_of(record)
    if not target["half"]:
        return None
    far = max(target["most"] - target["centre"], target["centre"] - target["least"]) / target["half"]
    are_logs = target.get("transform") == "log"  # which "auto" chooses where numbers are skewed, be it by slips
    if far < FAR_OUT or (are_logs and (target["far"] or 0.0) < FAR_IN_LOGS):
        return None
    so_far = ", and so is its gradient unless logarithms are learned"
    if are_logs:
        so_far = f"; logarithms are learned, and even of those it is {target['far']:,.0f} times as far"
    return _finding(
        f"the farthest training target ({target['least']:.4g} to {target['most']:.4g} there are) lies {far:,.0f} times "
        f"as far away as the middle half of them lie apart{so_far}. See whether it is a slip.",
        {"far": far, "least": float(target["least"]), "most": float(target["most"])},
    )


def _finding(told: str, evidence: dict[str, float]) -> Finding:
    return Finding(
        name="exploding_gradient",
        level="warning",
        message=f"Gradients explode: {told}",
        evidence=evidence,
        remedies=("--set training.clip_norm=1", "--set optimiser.rate"),
    )


def sick() -> Record:
    """One gradient a thousand times the usual one."""
    return example_steps(gradient__norm=[2.0, 1.8, 1.5, 1.4, 1.2, 1500.0, 1.1, 1.0, 0.9, 0.9])


def healthy() -> Record:
    """Gradients that become smaller by and by."""
    return example_steps()
