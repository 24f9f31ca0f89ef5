"""Classes are learned with a loss that was made for numbers.

**What it sees.** The task and its loss in the recipe: the squared error of probabilities for classes.

**Why it is bad.** Where the network is wrong and sure, the squared error is nearly flat: the worst mistakes teach
least. Training is slow, may never leave its beginning, and its probabilities are worse.

**Known false alarms.** With few classes and an optimiser that scales every step, it may end as well as cross-entropy.
The article's formulas list it, and whoever repeats them wants it.

**What to do.** --set task.loss=cross_entropy.
"""

from __future__ import annotations

from penjing.checks import choices_of
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("choices.task.name", "choices.task.loss")
PICTURE = "losses"
OF_NUMBERS = ("mean_squared_error",)


def look(record: Record) -> Finding | None:
    """The loss that does not suit the task, or None."""
    choices = choices_of(record)
    loss = str(choices["task.loss"])
    if choices["task.name"] != "classify" or loss not in OF_NUMBERS:
        return None
    return Finding(
        name="wrong_loss",
        level="warning",
        message=f"Classes are learned with the loss {loss}, which teaches least where the network is wrong and sure. "
        "Take --set task.loss=cross_entropy.",
        evidence={"task": "classify", "loss": loss},
        remedies=("--set task.loss=cross_entropy",),
    )


def sick() -> Record:
    """Classes, and the squared error."""
    return example_steps().also(choices={"task.name": "classify", "task.loss": "mean_squared_error"})


def healthy() -> Record:
    """Classes, and cross-entropy."""
    return example_steps().also(choices={"task.name": "classify", "task.loss": "cross_entropy"})
