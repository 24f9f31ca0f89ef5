"""Each step is divided by the recent size of its gradient, so all weights move at one pace.

Source: Tieleman and Hinton, Lecture 6.5 of Neural Networks for Machine Learning, 2012.
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
        memory: share of the old mean square that is kept at each step, 0 to under 1.
        momentum: share of the last step that is taken again, 0 to under 1.
        weight_decay: share of a weight that is added to its gradient; 0 is none.
        epsilon: added to the root of the mean square, above 0.
    """

    rate: float = 1e-3
    memory: float = 0.99
    momentum: float = 0.0
    weight_decay: float = 0.0
    epsilon: float = 1e-8


def build(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """The optimiser over the network's trainable weights."""
    return torch.optim.RMSprop(
        grouped(network, settings.weight_decay),
        lr=settings.rate,
        alpha=settings.memory,
        momentum=settings.momentum,
        eps=settings.epsilon,
    )
