"""Our default for pictures: a small residual convolutional network sized by one dial."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from penjing.models._layers import BatchNorm, rounded

# The last maps are about this many pixels a side: small enough to be cheap, large enough to tell places apart.
LAST_SIDE = 4
# Full resolution is paid for up to this many pixels a side; larger pictures are first cut into patches.
LARGEST_STEM_SIDE = 32
MOST_STAGES = 4


@dataclass(frozen=True)
class Settings:
    """How large the network is.

    Attributes:
        width: channels of the first stage; each further stage has twice as many, up to `widest` times.
        stages: halvings of the picture, each with two convolutions and a residual one; 0 chooses from the side.
        patch: side in pixels of the patches that the first layer reads; 0 chooses from the side.
        dropout: share of features silenced while training, 0 to 1.
    """

    width: int = 32
    stages: int = 0
    patch: int = 0
    dropout: float = 0.0


class Stage(nn.Module):
    """Convolution, pooling by 2, normalisation, ReLU; then the same without pooling, added to its input.

    Pooling comes before everything else that can wait: it leaves a quarter of the numbers.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.widen = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.widen_norm = BatchNorm(outputs)
        self.refine = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.refine_norm = BatchNorm(outputs)

    def forward(self, maps: Float[Tensor, "batch inputs height width"]) -> Tensor:
        maps = self.widen_norm(F.max_pool2d(self.widen(maps), 2)).relu()
        return maps + self.refine_norm(self.refine(maps)).relu()


class Cnn(nn.Module):
    """A first layer on patches, then stages, then the largest and the mean value of each channel.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, shape: tuple[int, int, int], settings: Settings) -> None:
        super().__init__()
        channels, height, width = shape
        side = min(height, width)
        patch = settings.patch or _patch(side)
        stages = settings.stages or _stages(side // patch)
        overlap = patch // 2 if patch > 1 else 1
        self.stem = nn.Conv2d(channels, settings.width, patch + 2 * overlap, patch, padding=overlap, bias=False)
        self.stem_norm = BatchNorm(settings.width)
        widths = [settings.width * 2**stage for stage in range(stages + 1)]
        self.stages = nn.Sequential(*(Stage(*pair) for pair in pairwise(widths)))
        self.features = widths[-1]
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]:
        maps = self.stages(self.stem_norm(self.stem(images)).relu())
        return self.dropout(maps.amax((2, 3)))


def _patch(side: int) -> int:
    """The power of two that brings a side to at most `LARGEST_STEM_SIDE` pixels."""
    return 2 ** max(0, math.ceil(math.log2(side / LARGEST_STEM_SIDE)))


def _stages(side: int) -> int:
    """How many halvings bring a side to about `LAST_SIDE` pixels."""
    return min(MOST_STAGES, max(1, round(math.log2(side / LAST_SIDE))))


def build(shape: tuple[int, int, int], settings: Settings) -> Cnn:
    """The network for inputs of `shape` (channels, height, width)."""
    return Cnn(shape, settings)


def sized(dial: float, shape: tuple[int, int, int]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the standard size: arithmetic and weights grow about as the dial does."""
    return Settings(width=rounded(Settings.width * math.sqrt(dial)))
