"""The network is no better than always giving the same answer.

**What it sees.** The loss on every validation item beside that of the constant answer (the most frequent class, the
mean), which every run measures: the mean difference with a 95% interval. A gain of less than a hundredth of that loss
is none, however surely it is one; nor is one of a few hundredths where no more classes or labels are right.

**Why it is bad.** Nothing of the inputs has reached the answers: nothing was learned, or nothing that holds.

**Known false alarms.** With few validation items a small gain cannot be told from none; the interval says how large it
could be, and it is no error where that is much. Where inputs truly tell nothing of the target, no training helps.

**What to do.** Look at the data with `penjing inspect`: are labels and items paired rightly? Then try ten times and a
tenth of the rate, and more updates.
"""

from __future__ import annotations

from penjing.checks import CONSTANT, HAMPERS, Gain, gain, have_shares
from penjing.checks._examples import example_answers
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("items.loss", "items.model")
FOLLOWS = (*HAMPERS, "stopped_early", "diverged", "label_errors", "drift", "constant_input", "overfit", "few_examples")
PICTURE = "floor"
FEWEST = 10  # items
NOTHING, LITTLE = 0.01, 0.05  # of the constant answer's loss
MANY = 100  # groups, or items that are their own, from which on a gain that cannot be told from none is a trouble


def look(record: Record) -> Finding | None:
    """What the network gains over the constant answer, or None when that is something."""
    found = gain(record, "loss", CONSTANT, FEWEST)
    if found is None or not (found.low <= 0 or _is_nothing(record, found)):
        return None
    is_sure = found.mean <= 0 and found.high < LITTLE * found.over  # and not merely too few items to tell
    return Finding(
        name="not_learning",
        level="error" if is_sure else "warning" if found.groups >= MANY or found.mean <= 0 else "info",
        message=f"The network is not clearly better than always giving the same answer: on validation its loss is "
        f"{found.of:.3g}, that of the constant answer {found.over:.3g} (gain {found.mean:.3g}, 95% interval "
        f"{found.low:.3g} to {found.high:.3g}). Look at the data with penjing inspect, then try another rate with "
        "--set optimiser.rate.",
        evidence={"gain": found.mean, "low": found.low, "high": found.high, "items": found.items},
        remedies=("--set optimiser.rate",),
    )


def _is_nothing(record: Record, found: Gain) -> bool:
    """Whether a gain in the loss is next to none, or a small one without a single right answer more."""
    if found.mean < NOTHING * found.over:
        return True
    if record.items is None or not have_shares(record.items):
        return False  # a number is hardly ever right to the last digit, however much was learned
    right = gain(record, "right", CONSTANT, FEWEST)
    return found.mean < LITTLE * found.over and right is not None and right.mean <= 0


def sick() -> Record:
    """Answers as good as a coin."""
    return example_answers(network=[0.5, 0.9] * 50, constant=[0.69] * 100)


def healthy() -> Record:
    """Answers that are mostly right."""
    return example_answers(network=[0.1, 0.5] * 50, constant=[0.69] * 100)
