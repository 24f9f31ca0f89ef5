"""Stretches a sound's pitch scale, as a longer or shorter throat would, and its time, as faster or slower speech.

Source: Jaitly and Hinton, Vocal tract length perturbation improves speech recognition, 2013. We depart from it in that
the mel axis is stretched, about its low end, and not the frequency axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from penjing.modalities.audio.augmentations._maps import as_maps

KEEPS_LABEL = "Where pitch or speed is what is asked (a note, a tempo, who speaks), it changes the answer."


@dataclass(frozen=True)
class Settings:
    """How much.

    Attributes:
        pitch: the greatest stretch of the bands, as a share, 0 to under 1.
        speed: the greatest stretch of time about the middle of the clip, as a share, 0 to under 1.
    """

    pitch: float = 0.1
    speed: float = 0.1


def apply(
    maps: Float[Tensor, "batch 1 bands frames"], generator: torch.Generator, settings: Settings
) -> Float[Tensor, "batch 1 bands frames"]:
    """The maps, each sampled between its values on a stretched grid; beyond the edges the last value is held."""
    pitch, speed = (2 * torch.rand(2, len(maps), 1, generator=generator) - 1).unbind()
    bands = torch.arange(maps.shape[2]) * (1 + settings.pitch * pitch)
    middle = (maps.shape[3] - 1) / 2
    frames = middle + (torch.arange(maps.shape[3]) - middle) * (1 + settings.speed * speed)
    return as_maps(_sampled(_sampled(maps[:, 0], bands, 1), frames, 2))


def _sampled(
    sounds: Float[Tensor, "batch bands frames"], places: Float[Tensor, "batch size"], axis: int
) -> Float[Tensor, "batch bands frames"]:
    """Linear interpolation along one axis at places of each item's own."""
    size = sounds.shape[axis]
    places = places.clamp(0, size - 1).to(sounds.device)
    low = places.floor().long().clamp(max=max(0, size - 2))
    view = (-1, size, 1) if axis == 1 else (-1, 1, size)
    share = (places - low).to(sounds).view(view)
    index = low.view(view).expand(sounds.shape)
    return torch.lerp(sounds.gather(axis, index), sounds.gather(axis, (index + 1).clamp(max=size - 1)), share)
