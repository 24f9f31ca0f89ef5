"""Many units of a layer are at one of their bounds for nearly every item.

**What it sees.** For activations with bounds (tanh, sigmoid), the share of units that stood within a hundredth of a
bound for most values of some training items (`training._vitals.MOSTLY`), at the last evaluation. Functions behind the
last layer are left out: answers may well be sure.

**Why it is bad.** At a bound the slope is next to nothing: such units hardly learn, and say about the same whatever
they see.

**Known false alarms.** Gates that are meant to be open or shut stand at their bounds; most of a layer's units rarely.

**What to do.** Scale the inputs, draw smaller initial weights, lower the rate, or take activations without bounds.
"""

from __future__ import annotations

from penjing.checks import LEAKY, by_layer, can_set, sound_steps, spoken
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.activation/*",)
FOLLOWS = ("vanishing_gradient", "wrong_output", "oscillating", "unscaled_input")
PICTURE = "saturated"
SHARE = 0.5


def look(record: Record) -> Finding | None:
    """The layers most of whose units are at a bound, or None."""
    shares = by_layer(sound_steps(record), "activation", "saturated")
    last = {layer: float(values[-1]) for layer, values in shares.items()}
    stuck = {layer: share for layer, share in sorted(last.items(), key=lambda one: -one[1]) if share > SHARE}
    if not stuck:
        return None
    told = spoken(f"{layer} ({share:.0%})" for layer, share in stuck.items())
    is_leaky = can_set(record, "model.activation")
    other = f"take an activation without bounds with {LEAKY}" if is_leaky else "take another network"
    return Finding(
        name="saturated_units",
        level="warning",
        message=f"Most units are at a bound for nearly every item in {told}: they hardly learn. Scale the inputs, "
        f"lower the rate with --set optimiser.rate, or {other}.",
        evidence={"layers": stuck},
        remedies=("--set optimiser.rate", LEAKY if is_leaky else "--model"),
    )


def sick() -> Record:
    """A layer of tanh that is driven to its bounds."""
    return example_steps(activation__second__saturated=[0.2, 0.5, 0.7, 0.8, 0.85, 0.9, 0.9, 0.9, 0.9, 0.9])


def healthy() -> Record:
    """A layer of tanh with one unit at a bound."""
    return example_steps(activation__second__saturated=0.03)
