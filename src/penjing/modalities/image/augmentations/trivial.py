"""Changes each picture in one way, drawn anew, by any amount: a strong default for photos that needs no tuning.

Source: Müller and Hutter, TrivialAugment, 2021. Of its ways these are here: none, shifts, turn, shear, size,
brightness, contrast, saturation. Those that count grey levels (posterise, solarise, equalise) are left out:
pictures are standardised already.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from penjing.modalities.image.augmentations._affine import matrices, sample, uniform
from penjing.modalities.image.augmentations._light import relight

KEEPS_LABEL = "Angle, size, place and shade are lost: only where none of them decides."

# The largest amount of each way, to either side. Shift is in half sides, size as a logarithm.
FARTHEST = {
    "nothing": 0.0,
    "across": 0.5,
    "down": 0.5,
    "turn": math.radians(45),
    "lean": 0.5,
    "size": math.log(1.5),
    "brightness": 1.0,
    "contrast": 0.8,
    "saturation": 0.9,
}
MOVES = ("across", "down", "turn", "lean", "size")


@dataclass(frozen=True)
class Settings:
    """How much.

    Attributes:
        rate: share of the pictures that are changed at all, 0 to 1.
        strength: share of the farthest amounts of each way, 0 to 1.
    """

    rate: float = 1.0
    strength: float = 0.6


def apply(
    images: Float[Tensor, "batch channels height width"], generator: torch.Generator, settings: Settings
) -> Float[Tensor, "batch channels height width"]:
    """The pictures, each changed in one way."""
    way = torch.randint(len(FARTHEST), (len(images),), generator=generator)
    way[torch.rand(len(images), generator=generator) >= settings.rate] = 0
    amount = uniform(-settings.strength, settings.strength, len(images), generator)
    by = {
        name: torch.where(way == number, amount * farthest, 0.0)
        for number, (name, farthest) in enumerate(FARTHEST.items())
    }
    images = relight(images, by["brightness"], 1 + by["contrast"], 1 + by["saturation"])
    is_moved = torch.stack([by[name] for name in MOVES]).ne(0).any(0)
    return _moved(images, is_moved, {name: by[name][is_moved] for name in MOVES})


def _moved(
    images: Float[Tensor, "batch channels height width"], chosen: Bool[Tensor, " batch"], by: dict[str, Tensor]
) -> Float[Tensor, "batch channels height width"]:
    """The pictures, the chosen ones resampled: the others need not pay for it."""
    if not chosen.any():
        return images
    shift = torch.stack([by["across"], by["down"]], dim=1)
    shape = (images.shape[2], images.shape[3])
    place = chosen.nonzero()[:, 0].to(images.device, non_blocking=True)
    seen = sample(images[place], matrices(by["turn"], by["size"].exp(), shape, by["lean"], shift))
    images = images.clone()
    images[place] = seen
    return images
