"""A recurrent network over the frames of a sound, in both directions: GRU or LSTM.

Source: Cho et al., Learning phrase representations using RNN encoder–decoder, 2014 (GRU); Hochreiter and Schmidhuber,
Long short-term memory, 1997 (LSTM); Schuster and Paliwal, Bidirectional recurrent neural networks, 1997.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from penjing.core.errors import UsageError
from penjing.models._layers import Dropout, rounded

TAKES: tuple[str, ...] = ("maps",)
KINDS = {"gru": nn.GRU, "lstm": nn.LSTM}


@dataclass(frozen=True)
class Settings:
    """How large the network is.

    Attributes:
        kind: "gru" or "lstm".
        width: units in each direction.
        layers: recurrent layers, one upon the other.
        dropout: share of features silenced while training, 0 to 1.
    """

    kind: str = "gru"
    width: int = 96
    layers: int = 1
    dropout: float = 0.2


class SpeechRecurrent(nn.Module):
    """Both directions' states at every frame, then the largest and the mean value of each over time.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, shape: tuple[int, int, int], settings: Settings) -> None:
        super().__init__()
        channels, height, _ = shape
        self.recurrent = KINDS[settings.kind](
            channels * height, settings.width, settings.layers, batch_first=True, bidirectional=True
        )
        self.dropout = Dropout(settings.dropout)
        self.features = 4 * settings.width

    def forward(self, maps: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]:
        states, _ = self.recurrent(maps.flatten(1, 2).transpose(1, 2))
        return self.dropout(torch.cat([states.amax(1), states.mean(1)], dim=1))


def build(shape: tuple[int, int, int], settings: Settings) -> SpeechRecurrent:
    """The network for maps of `shape` (channels, bands, frames).

    Raises:
        UsageError: there is no such kind.
    """
    if settings.kind not in KINDS:
        raise UsageError(f'kind is "gru" or "lstm", not "{settings.kind}"')
    return SpeechRecurrent(shape, settings)


def sized(dial: float, shape: tuple[int, int, int]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the standard size: weights grow about as the dial does."""
    return Settings(width=rounded(Settings.width * math.sqrt(dial)))
