"""A bag of tokens beside a wide layer of their runs, which learns slowly: word order where a bag of tokens has none.

Source: Cheng et al., Wide and Deep Learning, 2016; runs hashed as Joulin et al., Bag of Tricks, 2016. Departure: the
wide layer has a few numbers for each run instead of one weight a class, so that the head stays as it is everywhere.
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
        width: numbers that a token is described by.
        wide: numbers that a run of tokens is described by.
        longest: tokens in a row that are looked at together, 2 to 4.
        buckets: runs that are told apart; those beyond share a place by their hash.
        scale: what a run's numbers are multiplied by: the smaller, the slower runs are learned beside tokens.
        word_dropout: share of a text's tokens and runs left out while training, 0 to 1.
        dropout: share of the features of tokens silenced while training, 0 to 1.
    """

    width: int = 32
    wide: int = 16
    longest: int = 2
    buckets: int = 65536
    scale: float = 0.3
    word_dropout: float = 0.5
    dropout: float = 0.5


class Ngrams(nn.Module):
    """Tokens' sum over the root of their number beside their maximum, and the same sum of the runs.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, shape: tuple[int, int], settings: Settings) -> None:
        super().__init__()
        _, vocabulary = shape
        self.longest, self.buckets, self.scale = settings.longest, settings.buckets, settings.scale
        self.words = Words(vocabulary, settings.width)
        self.runs = Words(settings.buckets, settings.wide)
        self.word_dropout = settings.word_dropout
        self.dropout = Dropout(settings.dropout)
        self.features = 2 * settings.width + settings.wide

    def forward(self, tokens: Int64[Tensor, "batch length"]) -> Float[Tensor, "batch features"]:
        # A single token is a run as well: the wide layer then has all that a linear model of counts has.
        alone = torch.where(tokens != PADDING, tokens % (self.buckets - 1) + 1, PADDING)
        runs = torch.cat([alone, *hashed_runs(tokens, self.longest, self.buckets)], 1)
        summed, values = self._summed(self.words, self._left(tokens))
        wide, _ = self._summed(self.runs, self._left(runs))
        return torch.cat([self.dropout(torch.cat([summed, values.amax(1)], 1)), self.scale * wide], 1)

    def _left(self, places: Int64[Tensor, "batch places"]) -> Int64[Tensor, "batch places"]:
        """The places with padding where one is left out, whose vector is zero and learns nothing."""
        if not self.training:
            return places
        is_kept = torch.rand(places.shape, device=places.device) >= self.word_dropout
        return torch.where(is_kept, places, PADDING)

    @staticmethod
    def _summed(
        vectors: Words, places: Int64[Tensor, "batch places"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch places width"]]:
        """The sum of the places' vectors over the root of their number, and the vectors."""
        values = vectors(places)
        return values.sum(1) / (places != PADDING).sum(1, keepdim=True).clamp(min=1).sqrt(), values


def build(shape: tuple[int, int], settings: Settings) -> Ngrams:
    """The network for texts of `shape` (length, vocabulary)."""
    return Ngrams(shape, settings)


def sized(dial: float, shape: tuple[int, int]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the standard size: weights grow as the dial does."""
    return Settings(width=rounded(Settings.width * dial), wide=max(1, round(Settings.wide * dial)))
