"""Each weight slows down by all the gradients it has seen: good for features that are seldom seen.

Source: Duchi, Hazan and Singer, Adaptive Subgradient Methods, 2011.
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
        epsilon: added to the root of the sum of squares, above 0.
    """

    rate: float = 0.02
    weight_decay: float = 0.0
    epsilon: float = 1e-10


def build(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """The optimiser over the network's trainable weights."""
    groups = grouped(network, settings.weight_decay)
    return torch.optim.Adagrad(groups, lr=settings.rate, eps=settings.epsilon, fused=True)
