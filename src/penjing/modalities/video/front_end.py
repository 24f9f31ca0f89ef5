"""The first layer of every video network: cached frames in, standardised frames out, inside the exported graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

LEVELS = 256
_CHUNK = 64  # items counted at once, so that memory stays flat however many there are


class FrontEnd(nn.Module):
    """Frames as they lie in the cache → frames with mean 0 and spread 1 a channel over the training part.

    Args:
        learned: what `learn` gave: `mean` and `std`, one number a channel, of pixels scaled to 0…1.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, learned: Mapping[str, Any]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(learned["mean"]) * (LEVELS - 1))
        self.register_buffer("std", torch.tensor(learned["std"]) * (LEVELS - 1))

    def forward(
        self, pixels: UInt8[Tensor, "batch time height width channels"]
    ) -> Float[Tensor, "batch time channels height width"]:
        return ((pixels.float() - self.mean) / self.std).permute(0, 1, 4, 2, 3)


def learn(
    items: np.ndarray | Iterable[np.ndarray],
    settings: object = None,  # noqa: ARG001 - sounds need to know how they were decoded
) -> dict[str, list[float]]:
    """Mean and standard deviation of each channel, of pixels scaled to 0…1, over all frames.

    They come from counts of grey levels, so they are exact and do not depend on the items' order.

    Args:
        items: uint8 [n, time, height, width, channels] of the training part only; or chunks of such.
        settings: how the videos were decoded; not needed.

    Returns:
        {"mean": [...], "std": [...]}; a channel without any variation has std 1.
    """
    chunks = np.array_split(items, range(_CHUNK, len(items), _CHUNK)) if isinstance(items, np.ndarray) else items
    counts = sum((_count_levels(chunk) for chunk in chunks), start=np.zeros((1, LEVELS), np.int64))
    levels = np.arange(LEVELS) / (LEVELS - 1)
    shares = counts / counts.sum(1, keepdims=True)
    means = shares @ levels
    stds = np.sqrt((shares * (levels - means[:, None]) ** 2).sum(1))
    return {"mean": means.tolist(), "std": np.where(stds > 0, stds, 1.0).tolist()}


def _count_levels(items: np.ndarray) -> np.ndarray:
    """How often each grey level occurs in each channel: [channels, levels]."""
    channels = items.reshape(-1, items.shape[-1]).T
    return np.stack([np.bincount(channel, minlength=LEVELS) for channel in channels])
