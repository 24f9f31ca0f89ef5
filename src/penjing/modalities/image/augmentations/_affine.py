"""Turning, stretching and shearing of whole batches, between pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def sample(
    images: Float[Tensor, "batch channels height width"], matrices: Float[Tensor, "batch 2 3"]
) -> Float[Tensor, "batch channels height width"]:
    """Each picture seen through its matrix; outside the picture lies its mirror image.

    Args:
        matrices: from a place in the result to a place in the picture, both from −1 to 1 along each side.
    """
    grid = F.affine_grid(matrices.to(images, non_blocking=True), list(images.shape), align_corners=False)
    seen = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    batch, channels, height, width = images.shape
    # by way of a flat view: `contiguous` leaves one-channel pictures with the strides of the slow layout
    return seen.permute(0, 2, 3, 1).flatten().view(batch, height, width, channels).permute(0, 3, 1, 2)


def matrices(
    turn: Float[Tensor, " batch"],
    zoom: Float[Tensor, " batch"],
    shape: tuple[int, int],
    shear: Float[Tensor, " batch"] | None = None,
    shift: Float[Tensor, "batch 2"] | None = None,
) -> Float[Tensor, "batch 2 3"]:
    """The matrix of each item.

    Args:
        turn: radians, counter-clockwise.
        zoom: 1 changes nothing, 2 shows the middle quarter.
        shape: height and width of the pictures; on an oblong one a turn must know which side is longer.
        shear: how far right the top moves, as a share of the height; None is 0.
        shift: how far the picture moves along x and y, 2 being a whole side; None is 0.
    """
    height, width = shape
    lean = torch.zeros_like(turn) if shear is None else shear
    cos, sin = turn.cos() / zoom, turn.sin() / zoom
    offset = turn.new_zeros(len(turn), 2) if shift is None else shift
    across = torch.stack([cos, (lean * cos - sin) * height / width, -offset[:, 0]], dim=1)
    down = torch.stack([sin * width / height, cos + lean * sin, -offset[:, 1]], dim=1)
    return torch.stack([across, down], dim=1)


def uniform(low: float, high: float, count: int, generator: torch.Generator) -> Float[Tensor, " count"]:
    """Even draws between two numbers, one an item."""
    return low + (high - low) * torch.rand(count, generator=generator)
