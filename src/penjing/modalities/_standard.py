"""Standardised pixels: mean 0 and spread 1 a channel."""

from __future__ import annotations

from jaxtyping import Float, UInt8
from torch import Tensor


def standardised(
    pixels: UInt8[Tensor, "*shape width channels"], mean: Float[Tensor, " channels"], std: Float[Tensor, " channels"]
) -> Float[Tensor, "*shape width channels"]:
    """(x − μ) / s of each channel.

    Of several channels a row of pixels at a time: three numbers that repeat take six times as long as a row of them.
    """
    width, channels = pixels.shape[-2:]
    if channels == 1:
        return (pixels.float() - mean) / std
    rows = pixels.flatten(-2).float() - mean.repeat(width)
    return rows.div_(std.repeat(width)).unflatten(-1, (width, channels))
