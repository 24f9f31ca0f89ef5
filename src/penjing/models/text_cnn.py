"""Windows of a few tokens, each looking for its own phrase anywhere in a text.

Source: Kim, Convolutional Neural Networks for Sentence Classification, 2014.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from penjing.models._layers import Dropout, Words, rounded

TAKES: tuple[str, ...] = ("tokens",)
WINDOWS = (1, 2, 3, 4)  # tokens that one filter sees
PADDING = 0


@dataclass(frozen=True)
class Settings:
    """How large the network is.

    Attributes:
        width: numbers that a token is described by.
        filters: of each window's size.
        word_dropout: share of a text's token vectors silenced while training, 0 to 1.
        dropout: share of the features silenced while training, 0 to 1.
    """

    width: int = 64
    filters: int = 96
    word_dropout: float = 0.3
    dropout: float = 0.5


class TextCnn(nn.Module):
    """Embedding, convolutions of several widths side by side, ReLU, the maximum over the text.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, shape: tuple[int, int], settings: Settings) -> None:
        super().__init__()
        _, vocabulary = shape
        self.words = Words(vocabulary, settings.width)
        self.word_dropout = nn.Dropout1d(settings.word_dropout)
        self.windows = nn.ModuleList(
            nn.Conv1d(settings.width, settings.filters, size, padding=size - 1) for size in WINDOWS
        )
        self.dropout = Dropout(settings.dropout)
        self.features = settings.filters * len(WINDOWS)

    def forward(self, tokens: Int64[Tensor, "batch length"]) -> Float[Tensor, "batch features"]:
        words = self.word_dropout(self.words(tokens)).mT
        return self.dropout(torch.cat([window(words).amax(2) for window in self.windows], 1).relu())


def build(shape: tuple[int, int], settings: Settings) -> TextCnn:
    """The network for texts of `shape` (length, vocabulary)."""
    return TextCnn(shape, settings)


def sized(dial: float, shape: tuple[int, int]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the standard size: the filters' weights grow about as the dial does."""
    factor = math.sqrt(dial)
    return Settings(rounded(Settings.width * factor), rounded(Settings.filters * factor))
