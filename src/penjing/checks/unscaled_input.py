"""The numbers that enter the first layer are far too large, too small, or of very different sizes.

**What it sees.** Mean and spread of what the first layer with a matrix gets at the last evaluation, after whatever
scales it on the way, and how much larger than usual the spread of its most spread value or channel is.

**Why it is bad.** Weights are drawn for inputs around 0 with a spread around 1. Larger ones give huge gradients and
saturated units, smaller ones are drowned by the biases, and among uneven ones only the largest are learned from.

**Known false alarms.** A network that normalises right behind its first layer mends the size, though not uneven sizes.
Trees and distances have other rules; this is about layers.

**What to do.** Standardise the inputs: what `fit` does by default, and for your own network preprocess="standardised".
"""

from __future__ import annotations

from penjing.checks import by_layer, sound_steps
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.entering/*",)
PICTURE = "entering"
LARGE, SMALL = 8.0, 0.01  # of what enters, its size
UNEVEN = 100.0


def look(record: Record) -> Finding | None:
    """The part whose input is not scaled, or None."""
    steps = sound_steps(record)
    spreads, means = by_layer(steps, "entering", "std"), by_layer(steps, "entering", "mean")
    uneven = by_layer(steps, "entering", "uneven")
    for part, spread in spreads.items():
        size = float((spread[-1] ** 2 + means[part][-1] ** 2) ** 0.5)
        apart = float(uneven[part][-1]) if part in uneven else 1.0
        if SMALL <= size <= LARGE and (apart <= UNEVEN or size <= 1):
            continue
        told = f"a size of {size:.3g}" if not SMALL <= size <= LARGE else f"spreads that are {apart:,.0f} times apart"
        return Finding(
            name="unscaled_input",
            level="warning",
            message=f"What enters the first layer of {_called(part)} has {told}, where weights are drawn for inputs of "
            'a size of about 1. Standardise the inputs, with preprocess="standardised" for a network of your own.',
            evidence={"part": part, "size": size, "mean": float(means[part][-1]), "uneven": apart},
            remedies=("--set model.preprocess=standardised",),
        )
    return None


def _called(part: str) -> str:
    return "the network" if part == "network" else f'the encoder of "{part.removeprefix("encoder.")}"'


def sick() -> Record:
    """Pixels from 0 to 255."""
    return example_steps(entering__network__mean=33.0, entering__network__std=78.0)


def healthy() -> Record:
    """Pixels from 0 to 1."""
    return example_steps(entering__network__mean=0.13, entering__network__std=0.31, entering__network__uneven=3.0)
