"""Mirrors pictures, left becoming right."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Num
from torch import Tensor

KEEPS_LABEL = "A mirrored letter, digit or hand is another one: only where left and right mean nothing."

MOVES_PIXELS = True  # and changes none


@dataclass(frozen=True)
class Settings:
    """How often.

    Attributes:
        rate: share of the pictures that are mirrored, 0 to 1.
        upright: whether pictures have an up and a down; where they have none, as under a microscope, as many are
            also turned upside down.
    """

    rate: float = 0.5
    upright: bool = True


def apply(
    images: Num[Tensor, "batch channels height width"], generator: torch.Generator, settings: Settings
) -> Num[Tensor, "batch channels height width"]:
    """The pictures, some of them mirrored."""
    for axis in (3,) if settings.upright else (3, 2):
        chosen = torch.rand(len(images), 1, 1, 1, generator=generator).to(images.device) < settings.rate
        images = torch.where(chosen, images.flip(axis), images)
    return images
