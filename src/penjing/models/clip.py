"""Our default for videos: a small convolutional network over pairs of frames, then over time, sized by one dial."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from penjing.models._layers import BatchNorm, Dropout, halving_stages, reading, rounded

TAKES: tuple[str, ...] = ("frames",)


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
        patch, stages = reading(min(height, width), settings.patch, settings.stages)
        self.stages = halving_stages(2 * channels, settings.width, patch, stages)
        widest = settings.width * 2 ** (stages - 1)
        self.time = nn.Conv2d(widest, widest, (3, 1), padding=(1, 0), bias=False)
        self.time_norm = BatchNorm(widest)
        self.dropout = Dropout(settings.dropout)
        self.features = 2 * widest

    def forward(self, frames: Float[Tensor, "batch time channels height width"]) -> Float[Tensor, "batch features"]:
        pairs = torch.cat([frames[:, :-1], frames[:, 1:]], dim=2)
        maps = self.stages(pairs.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        steps = maps.amax((2, 3)).unflatten(0, pairs.shape[:2]).transpose(1, 2)[..., None]
        steps = (steps + self.time_norm(self.time(steps)).relu())[..., 0]
        return self.dropout(torch.cat([steps.mean(2), steps.amax(2)], dim=1))


def build(shape: tuple[int, int, int, int], settings: Settings) -> Clip:
    """The network for frames of `shape` (time, channels, height, width)."""
    return Clip(shape, settings)


def sized(dial: float, shape: tuple[int, int, int, int]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the standard size: arithmetic and weights grow about as the dial does."""
    return Settings(width=rounded(Settings.width * math.sqrt(dial), 4))
