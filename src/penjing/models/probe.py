"""Vectors almost as they are: what a linear head needs to learn from another network's features."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from penjing.models._layers import Dropout, rounded

TAKES: tuple[str, ...] = ("vector",)


@dataclass(frozen=True)
class Settings:
    """How much is learned before the head.

    Attributes:
        width: units of one hidden layer; 0 has none, so that the head is a linear classifier on the vector.
        dropout: share of the vector silenced while training, 0 to 1.
    """

    width: int = 0
    dropout: float = 0.3


class Probe(nn.Module):
    """Dropout, and a hidden layer where there is one.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, inputs: int, settings: Settings) -> None:
        super().__init__()
        self.dropout = Dropout(settings.dropout)
        self.hidden = nn.Sequential(nn.Linear(inputs, settings.width), nn.GELU()) if settings.width else nn.Identity()
        self.features = settings.width or inputs

    def forward(self, vectors: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch features"]:
        features: Tensor = self.hidden(self.dropout(vectors))
        return features


def build(shape: tuple[int, ...], settings: Settings) -> Probe:
    """The layers for vectors of `shape` (features,)."""
    return Probe(shape[0], settings)


def sized(dial: float, shape: tuple[int, ...]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial: linear up to the standard size, above it a hidden layer that grows with the dial."""
    return Settings(width=0 if dial <= 1 else rounded(128 * dial))
