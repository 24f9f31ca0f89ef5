"""Shifts videos by a few pixels, all frames of one alike; what comes into view is the nearest row or column."""

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
        reach: the longest shift along each axis, as a share of that side, 0 to under 1.
    """

    reach: float = 0.125


def apply(
    frames: Float[Tensor, "batch time channels height width"], generator: torch.Generator, settings: Settings
) -> Float[Tensor, "batch time channels height width"]:
    """The clips, each seen from a little aside.

    Rows at the rim are repeated, not mirrored: what enters a mirrored rim would move against what is seen.
    """
    batch, time, channels, height, width = frames.shape
    rows = _shifted(height, batch, generator, settings.reach).to(frames.device, non_blocking=True)
    columns = _shifted(width, batch, generator, settings.reach).to(frames.device, non_blocking=True)
    items = torch.arange(batch * time, device=frames.device)[:, None, None]
    rows, columns = (places.repeat_interleave(time, dim=0) for places in (rows, columns))
    places = (items * height + rows[:, :, None]) * width + columns[:, None, :]
    pixels = frames.permute(0, 1, 3, 4, 2).reshape(-1, channels)
    taken = pixels.index_select(0, places.flatten())
    return taken.view(batch, time, height, width, channels).permute(0, 1, 4, 2, 3)


def _shifted(side: int, batch: int, generator: torch.Generator, share: float) -> Int[Tensor, "batch side"]:
    """For each item the row (or column) that each place of the result is taken from."""
    longest = min(side - 1, round(share * side))
    shift = torch.randint(-longest, longest + 1, (batch, 1), generator=generator)
    return (torch.arange(side) + shift).clamp(0, side - 1)
