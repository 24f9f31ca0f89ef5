"""Varies brightness, contrast and saturation, as light, cameras and stains do."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

KEEPS_LABEL = "Where the shade itself decides, as with ripe fruit or a stain, it is lost."


@dataclass(frozen=True)
class Settings:
    """How much.

    Attributes:
        brightness: the largest shift of all channels, in standard deviations of the training pictures.
        contrast: the largest change of contrast about the picture's mean: 0.3 is from 0.7 to 1.3 times.
        saturation: the same for the distance of each pixel's colour from its grey; without effect on grey pictures.
    """

    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.3


def apply(
    images: Float[Tensor, "batch channels height width"], generator: torch.Generator, settings: Settings
) -> Float[Tensor, "batch channels height width"]:
    """The pictures, each in a light of its own."""
    count = len(images)
    shift, gain, tint = (2 * torch.rand(3, count, 1, 1, 1, generator=generator) - 1).to(images.device)
    if images.shape[1] > 1 and settings.saturation:
        grey = images.mean(1, keepdim=True)
        images = torch.lerp(grey, images, 1 + settings.saturation * tint)
    if settings.contrast or settings.brightness:
        mean = images.mean((1, 2, 3), keepdim=True)
        factor = 1 + settings.contrast * gain
        images = images * factor + (mean * (1 - factor) + settings.brightness * shift)
    return images
