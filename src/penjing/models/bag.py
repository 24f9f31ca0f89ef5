"""A bag of tokens, of their neighbours if asked: for few texts hard to beat.

Source: Joulin et al., Bag of Tricks for Efficient Text Classification (fastText), 2016; whole words left out while
training, as Iyyer et al., Deep Unordered Composition, 2015. Departures: the sum is divided by the root of the number
of words instead of the number, so that a long text may be surer than a short one, and the maximum stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from penjing.models._layers import PADDING, Dropout, Words, hashed_runs, rounded

TAKES: tuple[str, ...] = ("tokens",)


@dataclass(frozen=True)
class Settings:
    """How large the network is.

    Attributes:
        width: numbers that a token or an n-gram is described by.
        longest: tokens in a row that are looked at together, 1 (single tokens only) to 4. Runs help where word order
            decides, as in questions, and over-fit where there are few texts for their words, as in reviews.
        buckets: n-grams that are told apart; those beyond share a place by their hash.
        word_dropout: share of a text's tokens and n-grams left out while training, 0 to 1.
        dropout: share of the features silenced while training, 0 to 1.
    """

    width: int = 32
    longest: int = 1
    buckets: int = 16384
    word_dropout: float = 0.5
    dropout: float = 0.5


class Bag(nn.Module):
    """Vectors of tokens and n-grams, their sum over the root of their number beside their maximum.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, shape: tuple[int, int], settings: Settings) -> None:
        super().__init__()
        _, vocabulary = shape
        self.longest, self.buckets = settings.longest, settings.buckets
        self.words = Words(vocabulary, settings.width)
        if settings.longest > 1:
            self.runs = Words(settings.buckets, settings.width)
        self.word_dropout = settings.word_dropout
        self.dropout = Dropout(settings.dropout)
        self.features = 2 * settings.width

    def forward(self, tokens: Int64[Tensor, "batch length"]) -> Float[Tensor, "batch features"]:
        runs = hashed_runs(tokens, self.longest, self.buckets)
        places = torch.cat([tokens, *runs], 1) if runs else tokens
        if self.training:  # left out whole, and the rest not scaled up: a maximum would be learned at the wrong height
            is_kept = torch.rand(places.shape, device=tokens.device) >= self.word_dropout
            places = torch.where(is_kept, places, PADDING)
        length = tokens.shape[1]
        values = self.words(places[:, :length])
        if runs:
            values = torch.cat([values, self.runs(places[:, length:])], 1)
        count = (places != PADDING).sum(1, keepdim=True).clamp(min=1)
        return self.dropout(torch.cat([values.sum(1) / count.sqrt(), values.amax(1)], 1))


def build(shape: tuple[int, int], settings: Settings) -> Bag:
    """The network for texts of `shape` (length, vocabulary)."""
    return Bag(shape, settings)


def sized(dial: float, shape: tuple[int, int]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the standard size: weights grow as the dial does."""
    return Settings(width=rounded(Settings.width * dial))
