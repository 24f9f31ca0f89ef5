"""Our default for pictures, where they are not many: a small residual convolutional network sized by one dial."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from penjing.models._layers import Dropout, halving_stages, reading, rounded

TAKES = ("maps",)

# Fewer stages see too little at once, however small the picture.
FEWEST_STAGES = 2


@dataclass(frozen=True)
class Settings:
    """How large the network is.

    Attributes:
        width: channels after the first stage; each further one doubles them.
        patch: how many pixels the first convolution moves at a time; 0 chooses from the picture's side.
        stages: how many times maps are halved after that; 0 chooses from their side.
        dropout: share of features silenced while training, 0 to 1.
        activation: behind each layer: "relu", "leaky_relu", "gelu" or "silu".
    """

    width: int = 32
    patch: int = 0
    stages: int = 0
    dropout: float = 0.0
    activation: str = "relu"


class Cnn(nn.Module):
    """Stages from the pixels on, then the largest value of each channel.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, shape: tuple[int, int, int], settings: Settings) -> None:
        super().__init__()
        channels, height, width = shape
        patch, stages = reading(min(height, width), settings.patch, settings.stages, FEWEST_STAGES)
        self.stages = halving_stages(channels, settings.width, patch, stages, settings.activation)
        self.dropout = Dropout(settings.dropout)
        self.features = settings.width * 2 ** (stages - 1)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]:
        return self.dropout(self.stages(images).amax((2, 3)))


def build(shape: tuple[int, int, int], settings: Settings) -> Cnn:
    """The network for inputs of `shape` (channels, height, width)."""
    return Cnn(shape, settings)


def sized(dial: float, shape: tuple[int, int, int]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the standard size: arithmetic and weights grow about as the dial does."""
    return Settings(width=rounded(Settings.width * math.sqrt(dial)))
