"""Stochastic gradient descent: the gradient of one batch stands for that of all items.

Source: Robbins and Monro, A Stochastic Approximation Method, 1951.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from penjing.training.optimisers._groups import grouped


@dataclass(frozen=True)
class Settings:
    """How the weights move.

    Attributes:
        rate: the learning rate, above 0.
        weight_decay: share of a weight that is added to its gradient; 0 is none.
    """

    rate: float = 0.1
    weight_decay: float = 5e-4


def build(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """The optimiser over the network's trainable weights."""
    return torch.optim.SGD(grouped(network, settings.weight_decay), lr=settings.rate, fused=True)
