"""Varies brightness, contrast and saturation, as light, cameras and stains do."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from penjing.modalities.image.augmentations._affine import uniform
from penjing.modalities.image.augmentations._light import relight

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
    shift, gain, tint = (uniform(-1.0, 1.0, len(images), generator) for _ in range(3))
    return relight(images, settings.brightness * shift, 1 + settings.contrast * gain, 1 + settings.saturation * tint)
