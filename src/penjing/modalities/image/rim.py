"""What of a picture is its border."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool


def rim(height: int, width: int, share: float) -> tuple[int, int]:
    """(rows at the top and at the bottom, columns at the left and at the right) of a border.

    Args:
        share: of each side, at either end, 0 to under 0.5; no border is thinner than a pixel, but that of 0.
    """
    return tuple(min(max(1, round(share * side)), (side - 1) // 2) if share else 0 for side in (height, width))  # type: ignore[return-value]


def is_rim(height: int, width: int, share: float) -> Bool[np.ndarray, "height width"]:
    """Which pixels are of the border."""
    top, left = rim(height, width, share)
    found = np.ones((height, width), dtype=bool)
    found[top : height - top, left : width - left] = False
    return found
