"""Vectors from elsewhere around their mean, on one scale: their typical number is as large as 1.

Each number on a scale of its own is no better: docs/tried.md, "Heads on pretrained vectors".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

LEAST_STD = 1e-6  # vectors that hardly vary are left as they are


class FrontEnd(nn.Module):
    """Vectors as an encoder gives them → centred and scaled ones. The words of a text may stand behind its vector.

    Args:
        learned: what `learn` gave: `mean` of each number, and the `std` that each is divided by.
    """

    is_by_item = True  # no item depends on another, so several batches may go through together

    mean: Tensor
    std: Tensor

    def __init__(self, learned: Mapping[str, Any]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(learned["mean"], dtype=torch.float32))
        self.register_buffer("std", torch.tensor(learned["std"], dtype=torch.float32))

    def forward(self, vectors: Float[Tensor, "batch kept"]) -> Float[Tensor, "batch features"]:
        return (vectors[:, : len(self.mean)] - self.mean) / self.std

    def words(self, vectors: Float[Tensor, "batch kept"]) -> Int64[Tensor, "batch words"]:
        """The words of the same texts, which no rounding reaches: they are fewer than a float32 counts."""
        return vectors[:, len(self.mean) :].to(torch.int64)


def learn(chunks: Iterable[np.ndarray], settings: Any = None) -> dict[str, list[float]]:  # noqa: ARG001 - one signature
    """The mean of each number, and the deviation of all of them, repeated for each (older runs have each one's own).

    Args:
        chunks: Float32[n, features] of the training part only, one after the other.
        settings: of the decoding; not needed.
    """
    vectors = np.concatenate(list(chunks)).astype(np.float64)
    std = float(np.sqrt(vectors.var(axis=0).mean()))
    return {"mean": vectors.mean(axis=0).tolist(), "std": [std if std > LEAST_STD else 1.0] * vectors.shape[1]}
