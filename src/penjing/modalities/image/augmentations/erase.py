"""Covers a rectangle of a picture with the mean colour, so that no single detail decides.

Source: Zhong et al., Random Erasing Data Augmentation, 2020; DeVries and Taylor, Cutout, 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

KEEPS_LABEL = "A small thing can be covered whole: only where it fills a good part of the picture."


@dataclass(frozen=True)
class Settings:
    """How often and how much.

    Attributes:
        rate: share of the pictures with a rectangle, 0 to 1.
        smallest: the least side of the rectangle, as a share of the picture's.
        largest: the greatest side of the rectangle, as a share of the picture's.
    """

    rate: float = 0.5
    smallest: float = 0.1
    largest: float = 0.4


def apply(
    images: Float[Tensor, "batch channels height width"], generator: torch.Generator, settings: Settings
) -> Float[Tensor, "batch channels height width"]:
    """The pictures, some with a rectangle of zeros: the mean colour, since pictures are standardised."""
    rows = _covered(images.shape[2], len(images), generator, settings)
    columns = _covered(images.shape[3], len(images), generator, settings)
    chosen = torch.rand(len(images), 1, 1, generator=generator) < settings.rate
    kept = ~(rows[:, :, None] & columns[:, None, :] & chosen)
    # masked_fill, or a mask with the channel second, would lose the layout
    return (images.permute(0, 2, 3, 1) * kept[..., None].to(images, non_blocking=True)).permute(0, 3, 1, 2)


def _covered(side: int, count: int, generator: torch.Generator, settings: Settings) -> Bool[Tensor, "count side"]:
    """Which rows (or columns) of each item lie under the rectangle."""
    span = settings.smallest + (settings.largest - settings.smallest) * torch.rand(count, 1, generator=generator)
    start = (1 - span) * torch.rand(count, 1, generator=generator)
    middle = (torch.arange(side) + 0.5) / side
    return (middle >= start) & (middle < start + span)
