"""The image example network as people write it in PyTorch."""

from __future__ import annotations

from _laps import CLASSES
from torch import nn


def example_network() -> nn.Sequential:
    """Pictures [batch, 1, 28, 28] → logits [batch, CLASSES]."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1600, 64),
        nn.ReLU(),
        nn.Linear(64, CLASSES),
    )
