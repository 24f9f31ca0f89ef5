"""Silences a stretch of time and a stretch of bands, so that no single moment or tone decides.

Source: Park et al., SpecAugment, 2019. We depart from it in that time is not warped here (see `warp`), and in that
lengths are shares of the map, so that they suit clips of any length.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from penjing.modalities.audio.augmentations._maps import as_maps

KEEPS_LABEL = "A short sound can be silenced whole: keep the time masks short where clips are mostly silence."


@dataclass(frozen=True)
class Settings:
    """How many and how long.

    Attributes:
        count: masks along each axis.
        bands: the longest mask over bands, as a share of them, 0 to 1.
        time: the longest mask over time, as a share of the clip, 0 to 1.
    """

    count: int = 1
    bands: float = 0.2
    time: float = 0.2


def apply(
    maps: Float[Tensor, "batch 1 bands frames"], generator: torch.Generator, settings: Settings
) -> Float[Tensor, "batch 1 bands frames"]:
    """The maps with zeros where they are masked: each band's mean, since maps are standardised."""
    sounds = maps[:, 0]
    for _ in range(settings.count):  # products, which are several times as fast as choosing by a mask of all values
        sounds = (
            sounds * _heard(maps.shape[2], len(maps), generator, settings.bands).to(maps, non_blocking=True)[:, :, None]
        )
        sounds = (
            sounds * _heard(maps.shape[3], len(maps), generator, settings.time).to(maps, non_blocking=True)[:, None, :]
        )
    return as_maps(sounds)


def _heard(size: int, count: int, generator: torch.Generator, longest: float) -> Bool[Tensor, "count size"]:
    """Which places of an axis do not lie under each item's mask."""
    span = longest * torch.rand(count, 1, generator=generator)
    start = (1 - span) * torch.rand(count, 1, generator=generator)
    middle = (torch.arange(size) + 0.5) / size
    return (middle < start) | (middle >= start + span)
