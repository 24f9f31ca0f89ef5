"""Many units of a layer are silent for every item.

**What it sees.** For activations that can fall silent (ReLU and the like), the share of units that got no gradient from
any of some training items, at the last evaluation: where the slope is nothing (ReLU), or next to it (GELU and the like,
see `training._vitals.FLAT`). How large a layer's numbers are does not matter.

**Why it is bad.** A unit that is silent for every item gets no gradient and never comes back: the network is smaller
than it is meant to be.

**Known false alarms.** Few items are looked at (`training._evaluate.LOOKED_INTO`), so a unit for something rare may
seem dead; that is why three quarters of a layer's units must be: up to 0.63 were in healthy networks of tables. In a
network that is far larger than its task, silent units do no harm: where it is clearly better than the constant answer
and no simple model is clearly better, they are good to know and no more.

**What to do.** Lower the rate or warm it up longer; take an activation that lets something through on either side.
"""

from __future__ import annotations

from penjing.checks import CONSTANT, LEAKY, by_layer, can_set, gain, have_shares, over_simple, sound_steps, spoken
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.activation/*",)
FOLLOWS = ("unscaled_input", "oscillating", "exploding_gradient", "small_batch")
PICTURE = "dead"
SHARE = 0.75
FEWEST = 30  # validation items, to see that nothing suffers


def look(record: Record) -> Finding | None:
    """The layers most of whose units are silent, or None."""
    last = {layer: float(shares[-1]) for layer, shares in by_layer(sound_steps(record), "activation", "dead").items()}
    dead = {layer: share for layer, share in sorted(last.items(), key=lambda one: -one[1]) if share > SHARE}
    if not dead:
        return None
    told = spoken(f"{layer} ({share:.0%})" for layer, share in dead.items())
    is_harmless = _is_harmless(record)
    is_leaky = can_set(record, "model.activation")
    other = f"take a leaky activation with {LEAKY}" if is_leaky else "take another network"
    does = "learn nothing any more" if not is_harmless else "do nothing, yet the answers do not suffer"
    return Finding(
        name="dead_units",
        level="info" if is_harmless else "warning",
        message=f"Most units are silent for every item in {told}: they {does}. Lower the rate with "
        f"--set optimiser.rate, or {other}.",
        evidence={"layers": dead},
        remedies=("--set optimiser.rate", LEAKY if is_leaky else "--model"),
    )


def _is_harmless(record: Record) -> bool:
    """Whether the network is clearly better than the constant answer and not clearly worse than any simple model, of
    which one at least must be known."""
    if record.items is None or not {"model", "loss"} <= set(record.items.columns):
        return False
    over_constant = gain(record, "loss", CONSTANT, FEWEST)
    if over_constant is None or over_constant.low <= 0:
        return False
    measure = "right" if have_shares(record.items) else "loss"
    known = over_simple(record, measure, FEWEST)
    return bool(known) and all(one.high >= 0 for one in known.values())


def sick() -> Record:
    """A layer that falls silent."""
    return example_steps(activation__third__dead=[0.1, 0.3, 0.6, 0.8, 0.9, 0.9, 0.95, 0.95, 0.95, 0.95])


def healthy() -> Record:
    """Layers with a silent unit here and there."""
    return example_steps()
