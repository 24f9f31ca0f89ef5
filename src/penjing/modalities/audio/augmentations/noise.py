"""Adds a noise floor: what is quieter than it is drowned, what is louder stays."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from penjing.modalities.audio.augmentations._maps import as_maps

KEEPS_LABEL = "A quiet sound can drown in it."


@dataclass(frozen=True)
class Settings:
    """How often and how much, in the unit of the standardised maps: the spread of a band over the training part.

    Attributes:
        rate: share of the sounds with a floor, 0 to 1.
        lowest: the least height of the floor above a band's mean.
        highest: the greatest height of the floor above a band's mean.
        spread: how much the floor varies from value to value, from 0.
    """

    rate: float = 0.5
    lowest: float = -2.0
    highest: float = 0.0
    spread: float = 0.3


def apply(
    maps: Float[Tensor, "batch 1 bands frames"], generator: torch.Generator, settings: Settings
) -> Float[Tensor, "batch 1 bands frames"]:
    """The maps, some with the logarithm of the summed powers of sound and floor, a band's spread taken as one unit."""
    sounds = maps[:, 0]
    chosen = torch.rand(len(maps), 1, 1, generator=generator) < settings.rate
    height = torch.rand(len(maps), 1, 1, generator=generator) * (settings.highest - settings.lowest)
    floor = settings.lowest + height + settings.spread * torch.randn(sounds.shape, generator=generator)
    return as_maps(
        torch.where(
            chosen.to(maps.device, non_blocking=True),
            torch.logaddexp(sounds, floor.to(maps, non_blocking=True)),
            sounds,
        )
    )
