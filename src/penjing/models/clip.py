"""Our default for videos: a small convolutional network over pairs of frames, then over time, sized by one dial."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from penjing.models._layers import BatchNorm, rounded

TAKES: tuple[str, ...] = ("frames",)
# The last maps are about this many pixels a side.
LAST_SIDE = 4
# Memory traffic on large maps costs more than arithmetic: larger frames are read several pixels at a time.
LARGEST_SIDE = 32


@dataclass(frozen=True)
class Settings:
    """How large the network is.

    Attributes:
        width: channels after the first stage; each further one doubles them.
        patch: how many pixels the first convolution moves at a time; 0 chooses from the side.
        stages: how many times maps are halved after that; 0 chooses from their side.
        dropout: share of features silenced while training, 0 to 1.
    """

    width: int = 24
    patch: int = 0
    stages: int = 0
    dropout: float = 0.1


class Stage(nn.Module):
    """Half as many pixels a side and more channels; then the same maps, refined once."""

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


class Clip(nn.Module):
    """What moves from each frame to the next, wherever it is; then how that goes on in time.

    Two neighbouring frames enter side by side as channels, so that every stage sees motion, and one network is
    shared by all pairs. The largest value over the frame says what moves and how, a convolution in time says in
    which order, and its mean and largest value over time are the features.

    Source of comparing frames early: K. Simonyan, A. Zisserman, Two-stream convolutional networks for action
    recognition in videos, 2014; here the network finds the motion by itself.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, shape: tuple[int, int, int, int], settings: Settings) -> None:
        super().__init__()
        _, channels, height, width = shape
        side = min(height, width)
        patch = settings.patch or _patch(side)
        stages = settings.stages or _stages(side / patch)
        widths = [settings.width * 2**stage for stage in range(stages)]
        self.stages = nn.Sequential(
            Stage(2 * channels, settings.width, patch),
            *(Stage(inputs, outputs) for inputs, outputs in pairwise(widths)),
        )
        self.time = nn.Conv2d(widths[-1], widths[-1], (3, 1), padding=(1, 0), bias=False)
        self.time_norm = BatchNorm(widths[-1])
        self.dropout = nn.Dropout(settings.dropout)
        self.features = 2 * widths[-1]

    def forward(self, frames: Float[Tensor, "batch time channels height width"]) -> Float[Tensor, "batch features"]:
        pairs = torch.cat([frames[:, :-1], frames[:, 1:]], dim=2)
        maps = self.stages(pairs.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        steps = maps.amax((2, 3)).unflatten(0, pairs.shape[:2]).transpose(1, 2)[..., None]
        steps = (steps + self.time_norm(self.time(steps)).relu())[..., 0]
        return self.dropout(torch.cat([steps.mean(2), steps.amax(2)], dim=1))


def _patch(side: int) -> int:
    """The least power of two that brings a side to at most `LARGEST_SIDE` pixels."""
    return 2 ** max(0, math.ceil(math.log2(side / LARGEST_SIDE)))


def _stages(side: float) -> int:
    """How many halvings bring a side to about `LAST_SIDE` pixels, as long as there is something to halve."""
    return max(1, min(int(math.log2(side)), round(math.log2(side / LAST_SIDE))))


def build(shape: tuple[int, int, int, int], settings: Settings) -> Clip:
    """The network for frames of `shape` (time, channels, height, width)."""
    return Clip(shape, settings)


def sized(dial: float, shape: tuple[int, int, int, int]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the standard size: arithmetic and weights grow about as the dial does."""
    return Settings(width=rounded(Settings.width * math.sqrt(dial), 4))
