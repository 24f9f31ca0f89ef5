"""The first layers get next to no gradient.

**What it sees.** The gradient's norm beside the weights' norm, layer by layer in the order in which they were built:
the median of the first third of the layers beside that of the last third, at every evaluation.

**Why it is bad.** Layers without a gradient stay as they were drawn: the network learns with its last layers only, on
random features.

**Known false alarms.** Layers that were frozen on purpose do not count, for they have no gradient at all. Where the
order in which layers were built is not the order in which data pass through them, the comparison means little. Nothing
comes back through units that are silent: that is what `dead_units` speaks of, and this check does not.

**What to do.** Normalise the layers, add paths around them, or take activations that do not saturate.
"""

from __future__ import annotations

import numpy as np

from penjing.checks import LEAKY, by_layer, can_set, sound_steps
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("steps.layer/*/grad_norm",)
PICTURE = "layers"
FEWEST = 4  # layers
SHARE = 1e-3  # of the last layers' gradient
SILENT = 0.5  # of a layer's units
NORM = "--set model.has_norm=true"


def look(record: Record) -> Finding | None:
    """How much less gradient the first layers get, or None when they get enough."""
    steps = sound_steps(record)
    weights = by_layer(steps, "layer", "weight_norm")
    usual = {
        layer: float(np.median(norms)) / max(float(np.median(weights[layer])), 1e-12)
        for layer, norms in by_layer(steps, "layer", "grad_norm").items()
        if layer in weights
    }
    if len(usual) < FEWEST:
        return None
    third = max(1, len(usual) // 3)
    values = list(usual.values())
    first, last = float(np.median(values[:third])), float(np.median(values[-third:]))
    silent = by_layer(steps, "activation", "dead").values()
    if last == 0 or first >= SHARE * last or any(shares[-1] > SILENT for shares in silent):
        return None
    told, remedies = _advice(record)
    return Finding(
        name="vanishing_gradient",
        level="warning",
        message=f"Gradients vanish on their way back: beside their weights the first layers get {first:.2g}, the last "
        f"ones {last:.2g}, so the first hardly learn. {told}",
        evidence={"first": first, "last": last, "layers": usual},
        remedies=remedies,
    )


def _advice(record: Record) -> tuple[str, tuple[str, ...]]:
    """What to do, and how it is typed where the recipe has a choice for it."""
    if can_set(record, "model.has_norm"):
        return f"Normalise the layers with {NORM}, or take a leaky activation with {LEAKY}.", (NORM, LEAKY)
    if can_set(record, "model.activation"):
        return f"Normalise the layers, or take a leaky activation with {LEAKY}.", (LEAKY, "--model")
    return "Normalise the layers, or take a network of fewer layers.", ("--model",)


def sick() -> Record:
    """A first layer with a millionth of the last one's gradient."""
    return example_steps(layer__first__grad_norm=1e-7, layer__second__grad_norm=1e-5)


def healthy() -> Record:
    """Layers with about the same gradient."""
    return example_steps()
