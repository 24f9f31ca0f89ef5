"""Gradient descent as published: θ − α∇J, J being the mean loss over the whole training part.

Source: Cauchy, 1847.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

# One step needs every item: the loop takes the whole training part as one batch.
WHOLE_BATCH = True


@dataclass(frozen=True)
class Settings:
    """How far a step goes.

    Attributes:
        rate: α, above 0.
    """

    rate: float = 0.1


class GradientDescent(torch.optim.Optimizer):
    """Moves each weight against its gradient by α times the gradient, and remembers nothing."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    weight -= group["lr"] * weight.grad
        return loss


def build(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """The optimiser over the network's trainable weights."""
    return GradientDescent([weight for weight in network.parameters() if weight.requires_grad], {"lr": settings.rate})
