"""The layout that maps of sounds have in memory."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def as_maps(values: Float[Tensor, "batch bands frames"]) -> Float[Tensor, "batch 1 bands frames"]:
    """Maps of one channel that count as channels-last, as the front end gives them: pooling is fast on those."""
    return values[..., None].permute(0, 3, 1, 2)
