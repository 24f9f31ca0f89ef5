"""Makes a sound louder or quieter, and tilts its spectrum as another microphone or room would."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from penjing.modalities.audio.augmentations._maps import as_maps

KEEPS_LABEL = ""


@dataclass(frozen=True)
class Settings:
    """How much, in the unit of the standardised maps: the spread of a band over the training part.

    Attributes:
        level: the greatest change of all bands alike, from 0.
        tilt: the greatest change of the highest band against the lowest, from 0.
    """

    level: float = 0.3
    tilt: float = 0.5


def apply(
    maps: Float[Tensor, "batch 1 bands frames"], generator: torch.Generator, settings: Settings
) -> Float[Tensor, "batch 1 bands frames"]:
    """The maps, each with a straight line over its bands added: on logarithms, that is a filter."""
    level, tilt = (2 * torch.rand(2, len(maps), 1, generator=generator) - 1).unbind()
    across = torch.linspace(-0.5, 0.5, maps.shape[2])
    added = settings.level * level + settings.tilt * tilt * across
    return as_maps(maps[:, 0] + added[:, :, None].to(maps, non_blocking=True))
