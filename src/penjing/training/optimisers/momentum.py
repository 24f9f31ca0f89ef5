"""Stochastic gradient descent that keeps rolling: steps add up where gradients agree.

Source: Sutskever et al., On the Importance of Initialization and Momentum in Deep Learning, 2013.
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
        momentum: share of the last step that is taken again, 0 to under 1.
        nesterov: whether the gradient is taken as if that share were taken already.
        weight_decay: share of a weight that is added to its gradient; 0 is none.
    """

    rate: float = 0.05
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4


def build(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """The optimiser over the network's trainable weights."""
    groups = grouped(network, settings.weight_decay)
    nesterov = settings.nesterov and settings.momentum > 0  # without momentum there is nothing to look ahead along
    return torch.optim.SGD(groups, lr=settings.rate, momentum=settings.momentum, nesterov=nesterov, fused=True)
