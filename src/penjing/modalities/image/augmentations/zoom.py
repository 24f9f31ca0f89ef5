"""Cuts a part out of a picture and stretches it to the full size: things of any size, anywhere.

Source: Szegedy et al., Going Deeper with Convolutions, 2015 ("random resized crop").
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from penjing.modalities.image.augmentations._affine import sample, uniform

KEEPS_LABEL = "Size and what lies at the rim are lost: only where neither decides."


@dataclass(frozen=True)
class Settings:
    """How small a part.

    Attributes:
        smallest: the least share of the area that is kept, above 0; 1 keeps all.
        stretch: the largest change of width to height: 1.33 is from 1/1.33 to 1.33; 1 keeps the proportions.
    """

    smallest: float = 0.4
    stretch: float = 1.33


def apply(
    images: Float[Tensor, "batch channels height width"], generator: torch.Generator, settings: Settings
) -> Float[Tensor, "batch channels height width"]:
    """The pictures, each replaced by a part of itself, never reaching beyond its rim."""
    count = len(images)
    side = uniform(settings.smallest, 1.0, count, generator).sqrt()
    ratio = uniform(-math.log(settings.stretch) / 2, math.log(settings.stretch) / 2, count, generator).exp()
    spans = torch.stack([side * ratio, side / ratio], dim=1).clamp(max=1.0)
    offsets = (2 * torch.rand(count, 2, generator=generator) - 1) * (1 - spans)
    if settings.smallest == 1 and settings.stretch == 1:
        return images
    return sample(images, torch.cat([torch.diag_embed(spans), offsets[:, :, None]], dim=2))
