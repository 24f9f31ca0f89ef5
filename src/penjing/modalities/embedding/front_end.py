"""Vectors from elsewhere, each number with mean 0 and spread 1 over the training part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

LEAST_STD = 1e-6  # a number that hardly varies is left as it is


class FrontEnd(nn.Module):
    """Vectors as an encoder gives them → standardised ones.

    Args:
        learned: what `learn` gave: `mean` and `std` of each number.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, learned: Mapping[str, Any]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(learned["mean"], dtype=torch.float32))
        self.register_buffer("std", torch.tensor(learned["std"], dtype=torch.float32))

    def forward(self, vectors: Float[Tensor, "batch features"]) -> Float[Tensor, "batch features"]:
        return (vectors - self.mean) / self.std


def learn(chunks: Iterable[np.ndarray], settings: Any = None) -> dict[str, list[float]]:  # noqa: ARG001 - one signature
    """Mean and standard deviation of each number.

    Args:
        chunks: Float32[n, features] of the training part only, one after the other.
        settings: of the decoding; not needed.
    """
    vectors = np.concatenate(list(chunks)).astype(np.float64)
    std = vectors.std(axis=0)
    return {"mean": vectors.mean(axis=0).tolist(), "std": np.where(std > LEAST_STD, std, 1.0).tolist()}
