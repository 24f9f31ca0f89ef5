"""Fully connected layers: the plainest network, for numbers and very small pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from penjing.models._activations import activation
from penjing.models._layers import BatchNorm, Dropout, rounded

TAKES = ("maps",)


@dataclass(frozen=True)
class Settings:
    """How large the network is.

    Attributes:
        width: units of each hidden layer.
        depth: number of hidden layers; 0 leaves the head alone, a linear model.
        dropout: share of units silenced while training, 0 to 1.
        side: larger pictures are averaged down to at most this many pixels a side, or the first layer
            would hold nearly all weights.
        activation: behind each layer: "relu", "leaky_relu", "gelu" or "silu".
    """

    width: int = 256
    depth: int = 2
    dropout: float = 0.0
    side: int = 32
    activation: str = "relu"


class Mlp(nn.Module):
    """`depth` times linear, batch normalisation, activation, dropout.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, shape: tuple[int, int, int], settings: Settings) -> None:
        super().__init__()
        channels, height, width = shape
        self.shrink = max(1, math.ceil(max(height, width) / settings.side))
        inputs = channels * math.ceil(height / self.shrink) * math.ceil(width / self.shrink)
        self.activation = activation(settings.activation)
        self.layers = nn.ModuleList()
        for _ in range(settings.depth):
            # the normalisation that follows has a bias of its own
            self.layers.append(nn.Linear(inputs, settings.width, bias=False))
            self.layers.append(BatchNorm(settings.width))
            inputs = settings.width
        self.features = inputs
        self.dropout = Dropout(settings.dropout)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]:
        if self.shrink > 1:
            images = F.avg_pool2d(images, self.shrink, ceil_mode=True)
        hidden = images.flatten(1)
        for linear, norm in zip(self.layers[::2], self.layers[1::2], strict=True):
            hidden = norm(linear(hidden)[:, :, None, None])[:, :, 0, 0]
            hidden = self.dropout(self.activation(hidden))
        return hidden


def build(shape: tuple[int, int, int], settings: Settings) -> Mlp:
    """The network for inputs of `shape` (channels, height, width)."""
    return Mlp(shape, settings)


def sized(dial: float, shape: tuple[int, int, int]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the standard size: the hidden layers' weights grow as the dial does."""
    return Settings(width=rounded(Settings.width * math.sqrt(dial)))
