"""Pixels of eight bits: how they are standardised, learned by counting each grey level."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

LEVELS = 256


def learn_standard(items: np.ndarray | Iterable[np.ndarray], chunk: int) -> dict[str, list[float]]:
    """Mean and standard deviation of each channel, of pixels scaled to 0…1.

    They come from counts of grey levels, so they are exact and do not depend on the items' order.

    Args:
        items: uint8 [n, …, channels]; or chunks of such, one after the other.
        chunk: items of an array counted at once, so that memory stays flat however many there are.

    Returns:
        {"mean": [...], "std": [...]}; a channel without any variation has std 1.
    """
    chunks = np.array_split(items, range(chunk, len(items), chunk)) if isinstance(items, np.ndarray) else items
    counts = sum((_count_levels(part) for part in chunks), start=np.zeros((1, LEVELS), np.int64))
    levels = np.arange(LEVELS) / (LEVELS - 1)
    shares = counts / counts.sum(1, keepdims=True)
    means = shares @ levels
    stds = np.sqrt((shares * (levels - means[:, None]) ** 2).sum(1))
    return {"mean": means.tolist(), "std": np.where(stds > 0, stds, 1.0).tolist()}


def _count_levels(items: np.ndarray) -> np.ndarray:
    """How often each grey level occurs in each channel: [channels, levels]."""
    channels = items.reshape(-1, items.shape[-1]).T
    return np.stack([np.bincount(channel, minlength=LEVELS) for channel in channels])
