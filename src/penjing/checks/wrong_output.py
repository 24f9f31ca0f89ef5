"""What the network gives is not what its loss takes: a softmax too many, one missing, or bounds.

**What it sees.** The outputs at the evaluations. Classes: outputs that are probabilities already (between 0 and 1,
summing to one) or stay between 0 and 1 and press against those bounds, though the loss makes probabilities of them
once more; outputs that are never below zero, while some are zero; or outputs read as probabilities that are none.
Numbers: outputs that press against bounds which the target oversteps, or are the middle of the target to the last bit.

**Why it is bad.** Probabilities made of probabilities can never be sure: of ten classes the surest answer is 0.23. The
loss stops falling far from zero and gradients are small. A number beyond the bounds can never be answered.

**Known false alarms.** None known for classes. A target that itself has bounds which most items reach, such as a share
of 0 or 1, looks like a bound of the network where the network is right to stay within.

**What to do.** End the network without softmax or sigmoid: the loss brings its own. For numbers end with a linear
layer.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import choices_of, series, sound_steps, target_of
from penjing.checks._examples import example_inputs, example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.output/least", "steps.output/at_bounds", "choices.task.name")
PICTURE = "losses"
EXACT = 0.05  # from one, a sum of probabilities, which may have been computed with eight bits
LOG_EXACT = 0.1  # from zero, the logarithm of such a sum
FEWEST = 3  # evaluations
PRESSED = 0.3  # share of the outputs at their bounds
BEYOND = 0.15  # of its range, what the target has beyond the outputs
ROUNDING = 1e-6
CONSTANT = 1e-5  # of the outputs' mean, a spread that is none


def look(record: Record) -> Finding | None:
    """How outputs and loss do not fit, or None."""
    choices = choices_of(record)
    steps = sound_steps(record)
    if steps.is_empty() or steps["output/least"].null_count() == len(steps):
        return None
    least, most = float(series(steps, "output/least").min()), float(series(steps, "output/most").max())
    pressed = float(series(steps, "output/at_bounds")[-1])
    if is_constant := _is_constant(steps):
        pressed = 0.0  # the same answer for every item presses against nothing: `not_learning` speaks of it
    evidence = {"least": least, "most": most, "at_bounds": pressed}
    if (stuck := _stuck_at(steps)) is not None and _is_nothing(stuck, choices["task.name"], record):
        return _finding(
            f"Every output is exactly {stuck:.4g}, evaluation after evaluation: what stands behind the last layer "
            "gives nothing and lets nothing through. End the network with a linear layer, without ReLU.",
            evidence,
        )
    if choices["task.name"] == "regress":
        return _bounded(record, evidence)
    is_within = least >= -ROUNDING and most <= 1 + ROUNDING
    off = _largest(steps, "output/sum_error")
    if is_within and off is not None and off < EXACT:
        return _finding(
            "The network gives probabilities, and the loss makes probabilities of them once more, so it can never be "
            "sure. End the network without softmax.",
            {**evidence, "sum_error": off},
        )
    # The cross-entropy never moves the sum of an item's outputs, so outputs without bounds go below zero as they begin.
    if is_within and off is not None and len(series(steps, "output/least")) >= FEWEST:
        return _finding(
            f"The outputs stay between 0 and 1 ({least:.3g} to {most:.3g}), and the loss makes probabilities of them "
            "once more, so it can never be sure. End the network without sigmoid.",
            evidence,
        )
    if abs(least) <= ROUNDING and not is_constant:
        return _finding(
            f"The outputs never go below zero, and {pressed:.0%} of them are at a bound: what stands there answers "
            "nothing and learns nothing. End the network with a linear layer, without ReLU.",
            evidence,
        )
    log_off = _largest(steps, "output/log_sum") or 0.0
    # After the logarithm probabilities sum up to e⁰; what was none does not.
    if choices.get("model.gives") == "probabilities" and choices["task.name"] == "classify" and log_off > LOG_EXACT:
        return _finding(
            "The network's outputs are read as probabilities, and they are none: they do not sum up to one. End "
            "the network with a softmax, or let its outputs be taken for logits.",
            {**evidence, "log_sum": log_off},
        )
    return None


def _stuck_at(steps: pl.DataFrame) -> float | None:
    """The one output of the last evaluations, or None where there are others."""
    last = steps.tail(FEWEST)
    values = [*series(last, "output/least"), *series(last, "output/most")]
    return float(values[0]) if len(last) == FEWEST and len(values) == 2 * FEWEST and len(set(values)) == 1 else None


def _is_nothing(value: float, task: str, record: Record) -> bool:
    """Whether an output is what nothing becomes: zero, and among numbers the middle that they are told from. A last
    layer with a bias that learns ends anywhere else."""
    if task != "regress":
        return value == 0
    if record.inputs is None:
        return False
    target = target_of(record)
    return target["centre"] is not None and abs(value - target["centre"]) <= ROUNDING * max(target["scale"], abs(value))


def _is_constant(steps: pl.DataFrame) -> bool:
    """Whether the outputs at the end hardly differ from each other at all."""
    if "output/std" not in steps.columns or not len(spread := series(steps, "output/std")):
        return False
    middle = series(steps, "output/mean")[-1] if "output/mean" in steps.columns else 0.0
    return bool(spread[-1] <= CONSTANT * max(1.0, abs(float(middle))))


def _largest(steps: pl.DataFrame, name: str) -> float | None:
    if name not in steps.columns or not len(values := series(steps, name)):
        return None
    return float(values.max())


def _bounded(record: Record, evidence: dict[str, float]) -> Finding | None:
    if record.inputs is None or evidence["at_bounds"] < PRESSED:
        return None
    target = target_of(record)
    if target["least"] is None or target["most"] == target["least"]:
        return None
    width = target["most"] - target["least"]
    below, above = (evidence["least"] - target["least"]) / width, (target["most"] - evidence["most"]) / width
    if max(below, above) < BEYOND:
        return None
    return _finding(
        f"The outputs stay between {evidence['least']:.4g} and {evidence['most']:.4g}, {evidence['at_bounds']:.0%} of "
        f"them at a bound, and the target lies between {target['least']:.4g} and {target['most']:.4g}. End the network "
        "with a linear layer.",
        {**evidence, "target_least": float(target["least"]), "target_most": float(target["most"])},
    )


def _finding(message: str, evidence: dict[str, float]) -> Finding:
    return Finding("wrong_output", "error", message, evidence, remedies=("--model",))


def sick() -> Record:
    """Outputs that are probabilities."""
    return _example(output__least=0.0, output__most=1.0, output__sum_error=1e-6, output__at_bounds=0.8)


def healthy() -> Record:
    """Outputs that are logits."""
    return _example(output__least=-6.0, output__most=9.0, output__sum_error=12.0, output__at_bounds=0.01)


def _example(**changed: float) -> Record:
    return example_inputs(of=example_steps(**changed)).also(choices={"task.name": "classify"})
