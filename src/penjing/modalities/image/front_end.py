"""The first layer of every picture network: cached pixels in, standardised maps out, inside the exported graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.modalities._levels import LEVELS, learn_standard
from penjing.modalities._standard import standardised
from penjing.modalities.image.rim import rim

_CHUNK = 1024  # items counted at once, so that memory stays flat however many there are


class FrontEnd(nn.Module):
    """Pixels as they lie in the cache → maps with mean 0 and spread 1 a channel over the training part.

    The maps lie channels-last in memory, the order the pixels already have; it is also the fast one.

    Args:
        learned: what `learn` gave: `mean` and `std`, one number a channel, of pixels scaled to 0…1; and, where the
            border of pictures is not to be seen, the share of a side that it takes at either end, as `border`.
    """

    is_by_item = True  # no item depends on another, so several batches may go through together

    mean: Tensor
    std: Tensor

    def __init__(self, learned: Mapping[str, Any]) -> None:
        super().__init__()
        self.channels = len(learned["mean"])
        self.border = float(learned.get("border", 0.0))
        self.register_buffer("mean", torch.tensor(learned["mean"]) * (LEVELS - 1))
        self.register_buffer("std", torch.tensor(learned["std"]) * (LEVELS - 1))

    def forward(
        self, pixels: UInt8[Tensor, "batch height width channels"]
    ) -> Float[Tensor, "batch channels height width"]:
        if self.border:
            return self._without_border(pixels)
        return standardised(pixels, self.mean, self.std).permute(0, 3, 1, 2)

    def _without_border(self, pixels: UInt8[Tensor, "batch height width channels"]) -> Tensor:
        """The same with the mean of all pictures, which is 0, where the border was."""
        height, width = pixels.shape[1:3]
        top, left = rim(height, width, self.border)
        inside = standardised(pixels[:, top : height - top, left : width - left], self.mean, self.std)
        return F.pad(inside, (0, 0, left, left, top, top)).permute(0, 3, 1, 2)


def learn(
    items: np.ndarray | Iterable[np.ndarray],
    settings: object = None,  # noqa: ARG001 - sounds need to know how they were decoded
) -> dict[str, list[float]]:
    """Mean and standard deviation of each channel, of pixels scaled to 0…1.

    Args:
        items: uint8 [n, height, width, channels] of the training part only; or chunks of such, one after
            the other, where all at once would not fit into memory.
        settings: how the pictures were decoded; not needed.

    Returns:
        {"mean": [...], "std": [...]}; a channel without any variation has std 1.
    """
    return learn_standard(items, _CHUNK)
