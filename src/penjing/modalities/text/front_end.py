"""The first layer of every text network: tokens as they are kept become the integers an embedding takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Int64, Integer
from torch import Tensor, nn


class FrontEnd(nn.Module):
    """Tokens as they are kept (uint16 or int32) → int64, 0 being padding.

    Args:
        learned: what the modality's `learn` gave; its `vocabulary` bounds the tokens.
    """

    def __init__(self, learned: Mapping[str, Any]) -> None:
        super().__init__()
        self.vocabulary = int(learned["vocabulary"])

    def forward(self, tokens: Integer[Tensor, "batch length"]) -> Int64[Tensor, "batch length"]:
        return tokens.to(torch.int64)
