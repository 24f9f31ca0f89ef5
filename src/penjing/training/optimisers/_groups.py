"""Which weights are decayed, and which are not."""

from __future__ import annotations

from typing import Any

from torch import nn


def grouped(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """The network's trainable weights as two groups of a torch optimiser: decayed and not decayed.

    Matrices and convolutions are decayed. Biases and the scales of normalisations are not: they are few, they
    cannot over-fit, and pulling a scale to zero switches its channel off.
    """
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]
