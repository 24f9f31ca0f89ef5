"""Every token asks every other: a small transformer, for when there is text enough to learn from.

Source: Vaswani et al., Attention Is All You Need, 2017; the normalisation first, as Xiong et al., 2020.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from penjing.models._layers import Dropout, Words, rounded

TAKES: tuple[str, ...] = ("tokens",)
PADDING = 0
_EXPANSION = 4  # the hidden layer of a block is so many times as wide
_HEAD_WIDTH = 32
# Added to the score of padding: it weighs nothing, and a text of nothing but padding stays finite.
_NEVER = -1e4


@dataclass(frozen=True)
class Settings:
    """How large the network is.

    Attributes:
        width: numbers that a token is described by; the heads share them, so a multiple of `_HEAD_WIDTH` serves best.
        depth: number of blocks.
        dropout: share of numbers silenced while training, 0 to 1.
    """

    width: int = 128
    depth: int = 2
    dropout: float = 0.2


class Block(nn.Module):
    """Attention between tokens, then two dense layers for each, both added to what came in."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        width = settings.width
        self.heads = _heads(width)
        self.head_width = width // self.heads
        self.before_attention, self.before_dense = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked = nn.Linear(width, 3 * width, bias=False)
        self.answered = nn.Linear(width, width)
        self.wide = nn.Linear(width, _EXPANSION * width)
        self.narrow = nn.Linear(_EXPANSION * width, width)
        self.dropout = Dropout(settings.dropout)

    def forward(
        self, values: Float[Tensor, "batch length width"], bias: Float[Tensor, "batch 1 1 length"]
    ) -> Float[Tensor, "batch length width"]:
        parts = self.asked(self.before_attention(values)).unflatten(2, (3, self.heads, self.head_width))
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = _attended(query, key, value, bias)
        values = values + self.dropout(self.answered(seen.transpose(1, 2).flatten(2)))
        return values + self.dropout(self.narrow(F.gelu(self.wide(self.before_dense(values)))))


def _heads(width: int) -> int:
    """How many heads share a width evenly: as many as `_HEAD_WIDTH` asks for, or the next fewer that can."""
    return next(count for count in range(max(1, width // _HEAD_WIDTH), 0, -1) if width % count == 0)


def _attended(query: Tensor, key: Tensor, value: Tensor, bias: Float[Tensor, "batch 1 1 length"]) -> Tensor:
    """Scaled dot-product attention: Float[Tensor, "batch heads length width"] of three of that shape.

    On a processor it is computed in float32 whatever the rest is: the gradient of torch's kernel for bfloat16 takes
    five times as long there.
    """
    if query.dtype == torch.bfloat16 and query.device.type == "cpu":
        with torch.autocast("cpu", enabled=False):
            exact = F.scaled_dot_product_attention(query.float(), key.float(), value.float(), attn_mask=bias)
        return exact.to(query.dtype)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias)


class Transformer(nn.Module):
    """Embedding of tokens and places, blocks, mean and maximum over the text.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, shape: tuple[int, int], settings: Settings) -> None:
        super().__init__()
        length, vocabulary = shape
        self.words = Words(vocabulary, settings.width)
        self.places = Words(length + 1, settings.width)
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.depth))
        self.norm = nn.LayerNorm(settings.width)
        self.dropout = Dropout(settings.dropout)
        self.features = 2 * settings.width

    def forward(self, tokens: Int64[Tensor, "batch length"]) -> Float[Tensor, "batch features"]:
        is_real = tokens != PADDING
        places = torch.arange(1, tokens.shape[1] + 1, device=tokens.device)
        values = self.dropout(self.words(tokens) + self.places(places))
        bias = torch.where(is_real, 0.0, _NEVER)[:, None, None, :]
        for block in self.blocks:
            values = block(values, bias)
        return self.dropout(_pooled(self.norm(values), is_real[..., None]))


def _pooled(
    values: Float[Tensor, "batch length width"], is_real: Bool[Tensor, "batch length 1"]
) -> Float[Tensor, "batch features"]:
    """Mean and maximum over the real tokens; zeros where there is none."""
    count = is_real.sum(1).clamp(min=1)
    largest = values.masked_fill(~is_real, _NEVER).amax(1)
    return torch.cat([(values * is_real).sum(1) / count, largest * is_real.any(1)], 1)


def build(shape: tuple[int, int], settings: Settings) -> Transformer:
    """The network for texts of `shape` (length, vocabulary)."""
    return Transformer(shape, settings)


def sized(dial: float, shape: tuple[int, int]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the standard size: the blocks' weights grow about as the dial does."""
    return Settings(width=rounded(Settings.width * math.sqrt(dial), _HEAD_WIDTH))
