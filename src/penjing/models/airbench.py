"""Our default for many pictures: fixed filters for the pixels, then plain convolutions that learn fast.

Source: K. Jordan, 94% on CIFAR-10 in 3.29 seconds on a single GPU, 2024, https://arxiv.org/abs/2404.00498 (airbench94);
the fixed filters are D. Page's, How to train your ResNet, 2018. Departures: ReLU instead of GELU (no difference was
seen, and it is cheaper here), normalisations with a scale, the filters' offsets stay at zero, and pictures too large
for small patches begin with a convolution that is learned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from penjing.models._layers import BatchNorm, Dropout, reading, rounded, window_of

TAKES = ("maps",)

FEWEST_STAGES = 2
PATCH = 2  # pixels a side that the fixed filters see
AT_ONCE = 64  # items whose patches are laid out together: those of thousands of pictures would fill gigabytes
FLOOR = 5e-4  # added to the variance of patches: directions in which hardly anything varies are noise


@dataclass(frozen=True)
class Settings:
    """How large the network is.

    Attributes:
        width: channels after the first stage.
        growth: how many times as many the other stages have.
        patch: how many pixels the first convolution moves at a time; 0 chooses from the picture's side.
        stages: how many times maps are halved after that; 0 chooses from their side.
        momentum: of the running mean and variance, 0 to 1: the larger, the sooner the past is forgotten.
        dropout: share of features silenced while training, 0 to 1.
    """

    width: int = 64
    growth: float = 2.0
    patch: int = 0
    stages: int = 0
    momentum: float = 0.4
    dropout: float = 0.0


class Airbench(nn.Module):
    """Stages of two convolutions from fixed filters on, then the largest value of each channel.

    Attributes:
        features: how many numbers an item becomes.
        learns: whether `learn` takes anything from the items; large pictures begin with a convolution that is learned.
    """

    def __init__(self, shape: tuple[int, int, int], settings: Settings) -> None:
        super().__init__()
        channels, height, width = shape
        side = min(height, width)
        patch, stages = reading(side, settings.patch, settings.stages, FEWEST_STAGES)
        self.patches = Patches(channels) if patch == 1 and side > PATCH else None
        widest = rounded(settings.width * settings.growth)
        widths = [self.patches.outputs if self.patches else channels, settings.width, *[widest] * (stages - 1)]
        self.stages = nn.Sequential(
            *(
                Stage(before, after, settings.momentum, patch if place == 0 else 1)
                for place, (before, after) in enumerate(pairwise(widths))
            )
        )
        self.dropout = Dropout(settings.dropout)
        self.features = widths[-1]
        self.learns = self.patches is not None

    def learn(self, maps: Float[Tensor, "items channels height width"]) -> None:
        """Take the fixed filters from training items, before the first step."""
        if self.patches is not None:
            self.patches.learn(maps)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]:
        maps = images if self.patches is None else self.patches(images)
        return self.dropout(self.stages(maps).amax((2, 3)))


class Patches(nn.Module):
    """What small patches of pixels vary in, each direction as much as any other, above zero and below it.

    Attributes:
        outputs: how many channels the maps have.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.outputs = 2 * channels * PATCH**2
        self.filters = nn.Conv2d(channels, self.outputs, PATCH, bias=False)
        self.filters.weight.requires_grad_(False)

    @torch.no_grad()
    def learn(self, maps: Float[Tensor, "items channels height width"]) -> None:
        """Filters from the variance of patches: its directions, divided by how far patches spread along them."""
        squares: Tensor | float = 0.0
        count = 0
        for some in maps.split(AT_ONCE):
            patches = F.unfold(some.float(), PATCH).transpose(1, 2).flatten(0, 1).double()
            squares, count = squares + patches.T @ patches, count + len(patches)
        spread, directions = torch.linalg.eigh(squares / count)
        filters = (directions / (spread + FLOOR).sqrt()).T.float().view(-1, maps.shape[1], PATCH, PATCH)
        self.filters.weight.copy_(torch.cat([filters, -filters]))

    @torch.no_grad()
    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Tensor:
        return self.filters(images).relu()


class Stage(nn.Module):
    """Half as many pixels a side, then the same maps once more; pooling comes before everything that can wait."""

    def __init__(self, inputs: int, outputs: int, momentum: float, patch: int) -> None:
        super().__init__()
        kernel, padding = window_of(patch)
        self.widen = Identity(inputs, outputs, kernel, patch, padding)
        self.refine = Identity(outputs, outputs, 3, 1, 1)
        self.widen_norm, self.refine_norm = (BatchNorm(outputs, momentum=momentum) for _ in range(2))

    def forward(self, maps: Float[Tensor, "batch inputs height width"]) -> Tensor:
        maps = self.widen_norm(F.max_pool2d(self.widen(maps), 2)).relu()
        return self.refine_norm(self.refine(maps)).relu()


class Identity(nn.Conv2d):
    """A convolution that begins by passing on what it gets, in as many of its channels as there are inputs.

    Without it, signals would have to find their way through all layers first.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> None:
        super().__init__(inputs, outputs, kernel, stride, padding, bias=False)

    def reset_parameters(self) -> None:
        super().reset_parameters()
        if self.out_channels >= self.in_channels:
            with torch.no_grad():
                nn.init.dirac_(self.weight[: self.in_channels])


def build(shape: tuple[int, int, int], settings: Settings) -> Airbench:
    """The network for inputs of `shape` (channels, height, width)."""
    return Airbench(shape, settings)


def sized(dial: float, shape: tuple[int, int, int]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the standard size: arithmetic and weights grow about as the dial does."""
    return Settings(width=rounded(Settings.width * math.sqrt(dial)))
