"""The image network of the article: two convolutions, two poolings, one dense layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from penjing.models._layers import rounded

TAKES = ("maps",)

# Two unpadded 3×3 convolutions and two halvings leave no pixel of a smaller picture.
SMALLEST_UNPADDED = 10


@dataclass(frozen=True)
class Settings:
    """How large the network is; the defaults are the published ones.

    Attributes:
        first: filters of the first convolution.
        second: filters of the second convolution.
        dense: units of the dense layer, hence the features.
    """

    first: int = 32
    second: int = 64
    dense: int = 64


class ImageExample(nn.Module):
    """Conv 3×3, pool 2, conv 3×3, pool 2, flatten, dense; ReLU after each layer with weights.

    Pictures under `SMALLEST_UNPADDED` pixels a side are padded, else nothing would be left of them.
    Pooling comes before ReLU: the result is the same and the ReLU works on a quarter of the numbers.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, shape: tuple[int, int, int], settings: Settings) -> None:
        super().__init__()
        channels, height, width = shape
        padding = 1 if min(height, width) < SMALLEST_UNPADDED else 0
        self.first = nn.Conv2d(channels, settings.first, 3, padding=padding)
        self.second = nn.Conv2d(settings.first, settings.second, 3, padding=padding)
        self.dense = nn.Linear(settings.second * _left(height, padding) * _left(width, padding), settings.dense)
        self.features = settings.dense

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]:
        maps = F.max_pool2d(self.first(images), 2).relu()
        maps = F.max_pool2d(self.second(maps), 2).relu()
        return self.dense(maps.flatten(1)).relu()


def _left(side: int, padding: int) -> int:
    """Pixels of a side that are left after both convolutions and poolings."""
    for _ in range(2):
        side = (side - 2 + 2 * padding) // 2
    return side


def build(shape: tuple[int, int, int], settings: Settings) -> ImageExample:
    """The network for inputs of `shape` (channels, height, width), each side at least 4 pixels."""
    return ImageExample(shape, settings)


def sized(dial: float, shape: tuple[int, int, int]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the published size: weights grow about as the dial does."""
    factor = math.sqrt(dial)
    return Settings(*(rounded(width * factor) for width in (Settings.first, Settings.second, Settings.dense)))
