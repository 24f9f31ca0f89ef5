"""Momentum and the recent size of the gradient together, both corrected for their start at zero.

Source: Kingma and Ba, Adam, 2015. Weight decay, if any, is inside the gradient; `adamw` has it beside.
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
        beta1: memory of the gradient's mean, 0 to under 1.
        beta2: memory of the gradient's square, 0 to under 1.
        epsilon: added to the root of the square, above 0.
    """

    rate: float = 1e-3
    weight_decay: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8


def build(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """The optimiser over the network's trainable weights."""
    groups = grouped(network, settings.weight_decay)
    betas = (settings.beta1, settings.beta2)
    return torch.optim.Adam(groups, lr=settings.rate, betas=betas, eps=settings.epsilon, fused=True)
