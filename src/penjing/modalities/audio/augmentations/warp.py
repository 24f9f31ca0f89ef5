"""Stretches a sound's pitch scale, as a longer or shorter throat would, and its time, as faster or slower speech.

Source: Jaitly and Hinton, Vocal tract length perturbation improves speech recognition, 2013. We depart from it in that
the mel axis is stretched, about its low end, and not the frequency axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
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
    return as_maps(_in_time(_in_pitch(maps[:, 0], bands), frames))


def _in_pitch(
    sounds: Float[Tensor, "batch bands frames"], places: Float[Tensor, "batch bands"]
) -> Float[Tensor, "batch bands frames"]:
    """Linear interpolation between bands, at places of each item's own. Bands are copied whole."""
    batch, size, frames = sounds.shape
    low, high, share = _neighbours(places.to(sounds, non_blocking=True), size)
    first, rows = torch.arange(batch, device=low.device)[:, None] * size, sounds.reshape(batch * size, frames)
    below, above = (rows.index_select(0, (first + band).flatten()).view_as(sounds) for band in (low, high))
    return torch.lerp(below, above, share[:, :, None])


def _in_time(
    sounds: Float[Tensor, "batch bands frames"], places: Float[Tensor, "batch frames"]
) -> Float[Tensor, "batch bands frames"]:
    """Linear interpolation between frames, at places of each item's own."""
    low, high, share = _neighbours(places.to(sounds, non_blocking=True), sounds.shape[2])
    before, after = (sounds.gather(2, frame[:, None, :].expand(sounds.shape)) for frame in (low, high))
    return torch.lerp(before, after, share[:, None, :])


def _neighbours(
    places: Float[Tensor, "batch size"], size: int
) -> tuple[Int64[Tensor, "batch size"], Int64[Tensor, "batch size"], Float[Tensor, "batch size"]]:
    """(value below, value above, how far towards the latter) of each place; beyond either end the last one is held."""
    places = places.clamp(0, size - 1)
    low = places.floor().long().clamp(max=max(0, size - 2))
    return low, (low + 1).clamp(max=size - 1), places - low
