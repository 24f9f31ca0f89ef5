"""Our default for pictures: a small residual convolutional network sized by one dial."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from penjing.models._layers import BatchNorm, rounded

TAKES = ("maps",)

# The last maps are about this many pixels a side: small enough to be cheap, large enough to tell places apart.
LAST_SIDE = 4
# Fewer stages see too little at once, however small the picture.
FEWEST_STAGES = 2
# Memory traffic on large maps costs more than arithmetic: larger pictures are read several pixels at a time.
LARGEST_SIDE = 32


@dataclass(frozen=True)
class Settings:
    """How large the network is.

    Attributes:
        width: channels after the first stage; each further one doubles them.
        patch: how many pixels the first convolution moves at a time; 0 chooses from the picture's side.
        stages: how many times maps are halved after that; 0 chooses from their side.
        dropout: share of features silenced while training, 0 to 1.
    """

    width: int = 32
    patch: int = 0
    stages: int = 0
    dropout: float = 0.0


class Stage(nn.Module):
    """Half as many pixels a side and more channels; then the same maps, refined once.

    Pooling comes before everything that can wait: it leaves a quarter of the numbers.
    """

    def __init__(self, inputs: int, outputs: int, patch: int = 1) -> None:
        super().__init__()
        kernel, padding = (2 * patch, patch // 2) if patch > 1 else (3, 1)
        self.widen = nn.Conv2d(inputs, outputs, kernel, patch, padding, bias=False)
        self.widen_norm = BatchNorm(outputs)
        self.refine = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.refine_norm = BatchNorm(outputs)

    def forward(self, maps: Float[Tensor, "batch inputs height width"]) -> Tensor:
        maps = self.widen_norm(F.max_pool2d(self.widen(maps), 2)).relu()
        return maps + self.refine_norm(self.refine(maps)).relu()


class Cnn(nn.Module):
    """Stages from the pixels on, then the largest value of each channel.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, shape: tuple[int, int, int], settings: Settings) -> None:
        super().__init__()
        channels, height, width = shape
        side = min(height, width)
        patch = settings.patch or _patch(side)
        stages = settings.stages or _stages(side / patch)
        widths = [settings.width * 2**stage for stage in range(stages)]
        self.stages = nn.Sequential(
            Stage(channels, settings.width, patch),
            *(Stage(inputs, outputs) for inputs, outputs in pairwise(widths)),
        )
        self.dropout = nn.Dropout(settings.dropout)
        self.features = widths[-1]

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]:
        return self.dropout(self.stages(images).amax((2, 3)))


def _patch(side: int) -> int:
    """The least power of two that brings a side to at most `LARGEST_SIDE` pixels."""
    return 2 ** max(0, math.ceil(math.log2(side / LARGEST_SIDE)))


def _stages(side: float) -> int:
    """How many halvings bring a side to about `LAST_SIDE` pixels, as long as there is something to halve."""
    return min(int(math.log2(side)), max(FEWEST_STAGES, round(math.log2(side / LAST_SIDE))))


def build(shape: tuple[int, int, int], settings: Settings) -> Cnn:
    """The network for inputs of `shape` (channels, height, width)."""
    return Cnn(shape, settings)


def sized(dial: float, shape: tuple[int, int, int]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the standard size: arithmetic and weights grow about as the dial does."""
    return Settings(width=rounded(Settings.width * math.sqrt(dial)))
