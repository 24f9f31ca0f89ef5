"""Moves a sound in time; what comes into view is its first or its last moment, held."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from penjing.modalities.audio.augmentations._maps import as_maps

KEEPS_LABEL = "A sound at the very edge of its clip can be cut off."


@dataclass(frozen=True)
class Settings:
    """How far.

    Attributes:
        longest: the longest shift, as a share of the clip, 0 to under 1.
    """

    longest: float = 0.1


def apply(
    maps: Float[Tensor, "batch 1 bands frames"], generator: torch.Generator, settings: Settings
) -> Float[Tensor, "batch 1 bands frames"]:
    """The maps, each moved by whole frames; the first or the last frame is repeated where nothing is left."""
    batch, _, _, frames = maps.shape
    longest = min(frames - 1, round(settings.longest * frames))
    shift = torch.randint(-longest, longest + 1, (batch, 1), generator=generator)
    places = (torch.arange(frames) + shift).clamp(0, frames - 1).to(maps.device, non_blocking=True)
    return as_maps(maps[:, 0].gather(2, places[:, None, :].expand(maps[:, 0].shape)))
