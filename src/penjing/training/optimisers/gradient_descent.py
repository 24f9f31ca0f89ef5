"""Gradient descent as published: θ − α∇J, J being the mean loss over the whole training part.

Source: Cauchy, 1847.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from penjing.training.optimisers._weight_by_weight import WeightByWeight

# One step needs every item: the loop takes the whole training part as one batch.
WHOLE_BATCH = True


@dataclass(frozen=True)
class Settings:
    """How far a step goes.

    Attributes:
        rate: α, above 0.
    """

    rate: float = 0.1


class GradientDescent(WeightByWeight):
    """Moves each weight against its gradient by α times the gradient, and remembers nothing."""

    def move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        weight -= group["lr"] * gradient


def build(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """The optimiser over the network's trainable weights."""
    return GradientDescent([weight for weight in network.parameters() if weight.requires_grad], {"lr": settings.rate})
