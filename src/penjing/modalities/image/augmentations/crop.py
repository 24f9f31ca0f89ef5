"""Shifts pictures by a few pixels; what comes into view is the mirrored rim."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int, Num
from torch import Tensor

KEEPS_LABEL = ""
MOVES_PIXELS = True  # and changes none


@dataclass(frozen=True)
class Settings:
    """How far.

    Attributes:
        shift: the longest shift along each axis, as a share of that side, 0 to under 1.
    """

    shift: float = 0.125


def apply(
    images: Num[Tensor, "batch channels height width"], generator: torch.Generator, settings: Settings
) -> Num[Tensor, "batch channels height width"]:
    """The pictures, each cut at random out of itself with a mirrored margin.

    Each row of the result is one stretch of memory in the widened pictures, and is copied as such.
    """
    batch, channels, height, width = images.shape
    down, right = (_shifts(side, batch, generator, settings.shift) for side in (height, width))
    margin = _longest(width, settings.shift)
    pixels = images.permute(0, 2, 3, 1)
    left, rim = pixels[:, :, 1 : margin + 1].flip(2), pixels[:, :, width - 1 - margin : width - 1].flip(2)
    wide = torch.cat([left, pixels, rim], 2)
    across = width + 2 * margin
    rows = torch.arange(batch)[:, None] * height + _mirrored(torch.arange(height) + down, height)
    begin = rows * across + margin + right
    stretches = wide.as_strided((batch * height * across - width + 1, width * channels), (channels, 1))
    taken = stretches.index_select(0, begin.flatten().to(images.device))
    return taken.view(batch, height, width, channels).permute(0, 3, 1, 2)


def _longest(side: int, share: float) -> int:
    """The longest shift along an axis, in pixels."""
    return min(side - 1, round(share * side))


def _shifts(side: int, batch: int, generator: torch.Generator, share: float) -> Int[Tensor, "batch 1"]:
    """How far each item is shifted along an axis."""
    longest = _longest(side, share)
    return torch.randint(-longest, longest + 1, (batch, 1), generator=generator)


def _mirrored(place: Int[Tensor, "batch side"], side: int) -> Int[Tensor, "batch side"]:
    """Places beyond either end, mirrored at the first and at the last."""
    return (side - 1) - ((side - 1) - place.abs()).abs()
