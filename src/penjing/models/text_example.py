"""The text network of the article: an embedding, one LSTM of 128 units with both dropouts, one dense layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.func import functional_call

from penjing.models._layers import rounded

TAKES: tuple[str, ...] = ("tokens",)
PADDING = 0


@dataclass(frozen=True)
class Settings:
    """How large the network is; the defaults are the published ones.

    Attributes:
        width: numbers that a token is described by.
        units: of the LSTM, hence the features.
        dropout: share of a text's input numbers silenced while training, the same ones at each token, 0 to 1.
        recurrent_dropout: share of the state's numbers silenced on their way to the next token, 0 to 1.
    """

    width: int = 128
    units: int = 128
    dropout: float = 0.2
    recurrent_dropout: float = 0.2


class Lstm(nn.LSTM):
    """An LSTM whose weights begin as Keras draws them; with PyTorch's own the published network hardly learns.

    Source: Glorot and Bengio, 2010, for inputs; Saxe et al., orthogonal, 2014, for states; Jozefowicz et al., 2015,
    for the forget gate's bias of one.
    """

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.weight_ih_l0)
        nn.init.orthogonal_(self.weight_hh_l0)
        nn.init.zeros_(self.bias_hh_l0)
        nn.init.zeros_(self.bias_ih_l0)
        with torch.no_grad():
            self.bias_ih_l0[self.hidden_size : 2 * self.hidden_size].fill_(1.0)


class Words(nn.Embedding):
    """Token vectors that begin as Keras draws them: even, within 0.05 of zero."""

    def reset_parameters(self) -> None:
        nn.init.uniform_(self.weight, -0.05, 0.05)
        self._fill_padding_idx_with_zero()


class TextExample(nn.Module):
    """Embedding, LSTM, the state after the last token.

    Two departures from the published network: padding stands after the text, so the state is read at the text's end
    instead of the row's; and the state's dropout silences the same numbers for all items of a batch, which lets one
    fast kernel run over all tokens.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, shape: tuple[int, int], settings: Settings) -> None:
        super().__init__()
        _, vocabulary = shape
        self.words = Words(vocabulary, settings.width, padding_idx=PADDING)
        self.lstm = Lstm(settings.width, settings.units, batch_first=True)
        self.dropout, self.recurrent_dropout = settings.dropout, settings.recurrent_dropout
        self.features = settings.units

    def forward(self, tokens: Int64[Tensor, "batch length"]) -> Float[Tensor, "batch features"]:
        words = self.words(tokens)
        if self.training:
            words = words * F.dropout(torch.ones_like(words[:, :1]), self.dropout)
            weights = self.lstm.weight_hh_l0
            kept = F.dropout(torch.ones_like(weights[:1]), self.recurrent_dropout)
            states, _ = functional_call(self.lstm, {"weight_hh_l0": weights * kept}, (words,))
        else:
            states, _ = self.lstm(words)
        last = ((tokens != PADDING).sum(1) - 1).clamp(min=0)
        return states.gather(1, last[:, None, None].expand(-1, 1, self.features))[:, 0]


def build(shape: tuple[int, int], settings: Settings) -> TextExample:
    """The network for texts of `shape` (length, vocabulary)."""
    return TextExample(shape, settings)


def sized(dial: float, shape: tuple[int, int]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the published size: the LSTM's weights grow about as the dial does."""
    factor = math.sqrt(dial)
    return Settings(rounded(Settings.width * factor), rounded(Settings.units * factor))
