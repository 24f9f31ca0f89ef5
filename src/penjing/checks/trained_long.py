"""It was trained far beyond the point where it got better.

**What it sees.** When the validation loss was least, and that neither it nor the watched metric gained anything since,
beyond chance, for more than half of the updates.

**Why it is bad.** More than half of the time was spent on nothing, or on knowing the training items by heart.

**Known false alarms.** A schedule whose rate stays high and falls at the very end gains there; then the best is at the
end and nothing is said.

**What to do.** Fewer updates with --set training.steps, or let it stop by itself with --set training.patience=3.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from penjing.checks import chance_of, constant_loss, series, sound_steps
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.step", "steps.valid/loss")
FOLLOWS = (
    "diverged",
    "not_learning",
)
PICTURE = "losses"
FEWEST = 6  # evaluations
SHARE = 0.45  # of the updates, by which all was reached
# Of the loss of the constant answer, or of the first loss where that is more, what must have been gained until then:
# what never learned was not trained too long.
FELL = 0.1


def look(record: Record) -> Finding | None:
    """When it should have stopped, or None."""
    steps = sound_steps(record).drop_nulls(["step", "valid/loss"])
    losses, at = series(steps, "valid/loss"), series(steps, "step")
    if len(losses) < FEWEST:
        return None
    best = int(losses.argmin())
    values = series(steps, "value") if "value" in steps.columns else np.empty(0)
    if len(values) == len(losses):
        best = max(best, _reached(record, values))
    share = float(at[best] / at[-1])
    if share > SHARE or losses[best] > (1 - FELL) * max(float(losses[0]), constant_loss(record) or 0.0):
        return None
    remedies = (f"--set training.steps={at[best]:.0f}", "--set training.patience=3")
    advice = f"Take fewer with {remedies[0]}, or let it stop by itself with {remedies[1]}."
    if record.is_foreign:
        advice = "Take fewer, or let it stop by itself when the validation loss no longer falls."
    return Finding(
        name="trained_long",
        level="info",  # the weights that are kept are those of its best moment
        message=f"After {at[best]:,.0f} of {at[-1]:,.0f} {record.counted}s ({share:.0%}) it was as good as it became, "
        f"but for chance, and gained nothing since. {advice}",
        evidence={"step": int(at[best]), "steps": int(at[-1]), "share": share},
        remedies=() if record.is_foreign else remedies,
    )


def _reached(record: Record, values: Float[np.ndarray, " rows"]) -> int:
    """The first evaluation that was as good as the best one, but for chance."""
    return int(np.argmax(values >= values.max() - chance_of(record, float(values.max()))))


def sick() -> Record:
    """A validation loss that is least at the third of ten evaluations."""
    return example_steps(valid__loss=[1.3, 0.9, 0.6, 0.62, 0.62, 0.63, 0.63, 0.64, 0.65, 0.65])


def healthy() -> Record:
    """A validation loss that falls to the end."""
    return example_steps()
