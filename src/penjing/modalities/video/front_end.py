"""The first layer of every video network: cached frames in, standardised frames out, inside the exported graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from penjing.modalities._levels import LEVELS, learn_standard
from penjing.modalities._standard import standardised

_CHUNK = 64  # items counted at once, so that memory stays flat however many there are


class FrontEnd(nn.Module):
    """Frames as they lie in the cache → frames with mean 0 and spread 1 a channel over the training part.

    Args:
        learned: what `learn` gave: `mean` and `std`, one number a channel, of pixels scaled to 0…1.
    """

    is_by_item = True  # no item depends on another, so several batches may go through together

    mean: Tensor
    std: Tensor

    def __init__(self, learned: Mapping[str, Any]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(learned["mean"]) * (LEVELS - 1))
        self.register_buffer("std", torch.tensor(learned["std"]) * (LEVELS - 1))

    def forward(
        self, pixels: UInt8[Tensor, "batch time height width channels"]
    ) -> Float[Tensor, "batch time channels height width"]:
        return standardised(pixels, self.mean, self.std).permute(0, 1, 4, 2, 3)


def learn(
    items: np.ndarray | Iterable[np.ndarray],
    settings: object = None,  # noqa: ARG001 - sounds need to know how they were decoded
) -> dict[str, list[float]]:
    """Mean and standard deviation of each channel, of pixels scaled to 0…1, over all frames.

    Args:
        items: uint8 [n, time, height, width, channels] of the training part only; or chunks of such.
        settings: how the videos were decoded; not needed.

    Returns:
        {"mean": [...], "std": [...]}; a channel without any variation has std 1.
    """
    return learn_standard(items, _CHUNK)
