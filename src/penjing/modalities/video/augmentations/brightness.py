"""Brightens or darkens videos and changes their contrast, all frames of one alike."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

KEEPS_LABEL = ""


@dataclass(frozen=True)
class Settings:
    """How much.

    Attributes:
        level: the most that is added or taken away, in spreads of the training part.
        contrast: the most that differences grow or shrink, as a share of them, 0 to under 1.
    """

    level: float = 0.3
    contrast: float = 0.2


def apply(
    frames: Float[Tensor, "batch time channels height width"], generator: torch.Generator, settings: Settings
) -> Float[Tensor, "batch time channels height width"]:
    """The clips, each lit a little differently; light that flickers would be a change in time."""
    draws = torch.rand(2, len(frames), 1, 1, 1, 1, generator=generator).to(frames, non_blocking=True) * 2 - 1
    mean = frames.mean(dim=(1, 2, 3, 4), keepdim=True)
    return mean + (frames - mean) * (1 + settings.contrast * draws[0]) + settings.level * draws[1]
