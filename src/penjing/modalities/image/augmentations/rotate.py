"""Turns pictures by a small angle and, if asked, brings them nearer or takes them farther away."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from penjing.modalities.image.augmentations._affine import matrices, sample, uniform

KEEPS_LABEL = "A 6 turned far is a 9, a minute hand another minute: only where the angle means nothing."


@dataclass(frozen=True)
class Settings:
    """How far.

    Attributes:
        degrees: the largest angle to either side, 0 to 180.
        zoom: the largest change of size: 0.1 is from 1/1.1 to 1.1 times; 0 keeps the size.
    """

    degrees: float = 10.0
    zoom: float = 0.0


def apply(
    images: Float[Tensor, "batch channels height width"], generator: torch.Generator, settings: Settings
) -> Float[Tensor, "batch channels height width"]:
    """The pictures, each turned about its middle by an angle of its own."""
    turn = uniform(-math.radians(settings.degrees), math.radians(settings.degrees), len(images), generator)
    zoom = uniform(-math.log1p(settings.zoom), math.log1p(settings.zoom), len(images), generator).exp()
    if settings.degrees == 0 and settings.zoom == 0:
        return images  # sampling would still blur by rounding
    return sample(images, matrices(turn, zoom, (images.shape[2], images.shape[3])))
