"""Our default for sounds: a small residual convolutional network over log-mel maps, sized by one dial."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from penjing.models._layers import BatchNorm, Dropout, rounded

TAKES: tuple[str, ...] = ("maps",)
# The last maps have about this many bands.
LAST_BANDS = 2.5
# Channels grow no further than this many times the first stage's.
WIDEST = 4
# Longer sounds are halved in time once more before anything else is computed: full maps cost the most.
LONGEST_FRAMES = 128


@dataclass(frozen=True)
class Settings:
    """How large the network is.

    Attributes:
        width: channels after the first stage; each further one doubles them, up to `WIDEST` times as many.
        stages: how many times bands and frames are halved; 0 chooses from the number of bands.
        dropout: share of features silenced while training, 0 to 1.
    """

    width: int = 16
    stages: int = 0
    dropout: float = 0.1


class Stage(nn.Module):
    """Half as many bands and frames and more channels; then the same maps, refined once.

    Pooling comes before everything that can wait: it leaves a quarter of the numbers.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.widen = nn.Conv2d(inputs, outputs, (3, 2 * stride + 1), (1, stride), (1, stride), bias=False)
        self.widen_norm = BatchNorm(outputs)
        self.refine = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.refine_norm = BatchNorm(outputs)

    def forward(self, maps: Float[Tensor, "batch inputs bands frames"]) -> Tensor:
        """Float[batch outputs bands/2 frames/(2·stride)], both rounded up."""
        maps = self.widen_norm(F.max_pool2d(self.widen(maps), 2, ceil_mode=True)).relu()
        return maps + self.refine_norm(self.refine(maps)).relu()


class Keyword(nn.Module):
    """Stages from the log-mel maps on, one convolution over all bands at once, then the largest value in time.

    The bands are not pooled away: whether energy is low or high is what sounds differ in. Time is.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, shape: tuple[int, int, int], settings: Settings) -> None:
        super().__init__()
        channels, bands, frames = shape
        stages = settings.stages or max(1, round(math.log2(bands / LAST_BANDS)))
        widths = [settings.width * min(WIDEST, 2**stage) for stage in range(stages)]
        self.stages = nn.Sequential(
            Stage(channels, settings.width, 2 if frames > LONGEST_FRAMES else 1),
            *(Stage(inputs, outputs) for inputs, outputs in pairwise(widths)),
        )
        self.features = 2 * widths[-1]
        left = math.ceil(bands / 2**stages)
        self.gather = nn.Conv2d(widths[-1], self.features, (left, 1), bias=False)
        self.gather_norm = BatchNorm(self.features)
        self.dropout = Dropout(settings.dropout)

    def forward(self, maps: Float[Tensor, "batch channels bands frames"]) -> Float[Tensor, "batch features"]:
        maps = self.gather_norm(self.gather(self.stages(maps))).relu()
        return self.dropout(maps.amax((2, 3)))


def build(shape: tuple[int, int, int], settings: Settings) -> Keyword:
    """The network for log-mel maps of `shape` (channels, bands, frames)."""
    return Keyword(shape, settings)


def sized(dial: float, shape: tuple[int, int, int]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the standard size: arithmetic and weights grow about as the dial does."""
    return Settings(width=rounded(Settings.width * math.sqrt(dial), 4))
