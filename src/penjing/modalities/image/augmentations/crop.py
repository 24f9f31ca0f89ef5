"""Shifts pictures by a few pixels; what comes into view is the mirrored rim."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int, Int64, Num, UInt8
from torch import Tensor

KEEPS_LABEL = ""
MOVES_PIXELS = True  # and changes none


@dataclass(frozen=True)
class Settings:
    """How far.

    Attributes:
        shift: the longest shift along each axis, as a share of that side, 0 to under 1.
    """

    shift: float = 0.125


def drawn(
    shape: tuple[int, ...], generator: torch.Generator, settings: Settings
) -> tuple[Int64[Tensor, "batch 1"], Int64[Tensor, "batch 1"]]:
    """How far each picture of a batch [batch, channels, height, width] is shifted down and right, in pixels."""
    batch, _, height, width = shape
    return _shifts(height, batch, generator, settings.shift), _shifts(width, batch, generator, settings.shift)


def apply(
    images: Num[Tensor, "batch channels height width"], generator: torch.Generator, settings: Settings
) -> Num[Tensor, "batch channels height width"]:
    """The pictures, each cut at random out of itself with a mirrored margin."""
    return moved(images, drawn(tuple(images.shape), generator, settings), settings)


def moved(
    images: Num[Tensor, "batch channels height width"],
    shifts: tuple[Int64[Tensor, "batch 1"], Int64[Tensor, "batch 1"]],
    settings: Settings,
) -> Num[Tensor, "batch channels height width"]:
    """The pictures, each shifted as it was drawn.

    Each row of the result is one stretch of memory in the widened pictures, and is copied as such.
    """
    (batch, channels, height, width), (down, right) = images.shape, shifts
    margin = _longest(width, settings.shift)
    wide = _widened(images.permute(0, 2, 3, 1), margin)
    across = width + 2 * margin
    rows = torch.arange(batch)[:, None] * height + _mirrored(torch.arange(height) + down, height)
    begin = rows * across + margin + right
    stretches = wide.as_strided((batch * height * across - width + 1, width * channels), (channels, 1))
    taken = stretches.index_select(0, begin.flatten().to(images.device, non_blocking=True))
    return taken.view(batch, height, width, channels).permute(0, 3, 1, 2)


def _widened(pixels: Num[Tensor, "batch height width channels"], margin: int) -> Num[Tensor, "batch rows"]:
    """The pictures with mirrored margins to the left and to the right, each in one row of memory."""
    width = pixels.shape[2]
    if pixels.device.type == "cpu" and pixels.dtype == torch.uint8:
        left, rim = _margins(pixels, margin)
    else:
        left, rim = pixels[:, :, 1 : margin + 1].flip(2), pixels[:, :, width - 1 - margin : width - 1].flip(2)
    return torch.cat([left, pixels, rim], 2).flatten(1)


def _margins(
    pixels: UInt8[Tensor, "batch height width channels"], margin: int
) -> tuple[UInt8[Tensor, "batch height margin channels"], UInt8[Tensor, "batch height margin channels"]]:
    """What is left and right of pictures of bytes: NumPy looks them up several times as fast as torch turns them."""
    batch, height, width, channels = pixels.shape
    places = np.concatenate([np.arange(margin, 0, -1), np.arange(width - 2, width - 2 - margin, -1)])
    looked_up = (places[:, None] * channels + np.arange(channels)).ravel()
    found = pixels.reshape(batch * height, width * channels).numpy().take(looked_up, axis=1)
    both = torch.from_numpy(found).view(batch, height, 2 * margin, channels)
    return both[:, :, :margin], both[:, :, margin:]


def _longest(side: int, share: float) -> int:
    """The longest shift along an axis, in pixels."""
    return min(side - 1, round(share * side))


def _shifts(side: int, batch: int, generator: torch.Generator, share: float) -> Int64[Tensor, "batch 1"]:
    """How far each item is shifted along an axis."""
    longest = _longest(side, share)
    return torch.randint(-longest, longest + 1, (batch, 1), generator=generator)


def _mirrored(place: Int[Tensor, "batch side"], side: int) -> Int[Tensor, "batch side"]:
    """Places beyond either end, mirrored at the first and at the last."""
    return (side - 1) - ((side - 1) - place.abs()).abs()
