"""The first layer of every text network: tokens as they are kept become the integers an embedding takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Int64, Integer
from torch import Tensor, nn

from penjing.modalities.text._tokens import PADDING

MARGIN = 4  # tokens of padding that stay, as many as the widest window looks beyond a text


class FrontEnd(nn.Module):
    """Tokens as they are kept (uint16 or int32) → the pieces as int64, 0 being padding.

    Args:
        learned: what the modality's `learn` gave; its `vocabulary` bounds the pieces, its `length` counts them.
    """

    def __init__(self, learned: Mapping[str, Any]) -> None:
        super().__init__()
        self.vocabulary, self.length = int(learned["vocabulary"]), int(learned["length"])

    def forward(self, tokens: Integer[Tensor, "batch kept"]) -> Int64[Tensor, "batch length"]:
        return tokens[:, : self.length].to(torch.int64)

    def for_training(
        self, tokens: Integer[Tensor, "batch kept"], longest: int | None = None
    ) -> Int64[Tensor, "batch longest"]:
        """The pieces without the padding that all texts of the batch end with, but for a little of it: some networks
        look at padding too, and see the same where a text is one of the longest.

        Args:
            longest: pieces of the longest text; None looks, which waits for a GPU.
        """
        pieces = self(tokens)
        longest = int((pieces != PADDING).sum(1).max()) if longest is None else longest
        return pieces[:, : longest + MARGIN]

    def lengths(self, tokens: Integer[Tensor, "batch kept"]) -> Int64[Tensor, " batch"]:
        """How many pieces each text has."""
        return (self(tokens) != PADDING).sum(1)

    def words(self, tokens: Integer[Tensor, "batch kept"]) -> Int64[Tensor, "batch words"]:
        """The whole words of the same texts."""
        return tokens[:, self.length :].to(torch.int64)
