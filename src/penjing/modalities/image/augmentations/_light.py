"""Brightness, contrast and saturation of whole batches."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def relight(
    images: Float[Tensor, "batch channels height width"],
    brightness: Float[Tensor, " batch"],
    contrast: Float[Tensor, " batch"],
    saturation: Float[Tensor, " batch"],
) -> Float[Tensor, "batch channels height width"]:
    """Each picture in a light of its own.

    Args:
        brightness: what is added to all channels, in standard deviations of the training pictures.
        contrast: what the distance from the picture's mean is multiplied by.
        saturation: what the distance of each pixel's colour from its grey is multiplied by.
    """
    added, factor, tint = (
        value.to(images.device, non_blocking=True).view(-1, 1, 1, 1) for value in (brightness, contrast, saturation)
    )
    if images.shape[1] > 1:
        images = torch.lerp(images.mean(1, keepdim=True), images, tint)
    mean = images.mean((1, 2, 3), keepdim=True)
    return images * factor + (mean * (1 - factor) + added)
