"""Many small networks in one for the numbers of a table: members share all weights but how they weigh the inputs.

Each training item is shown to one member, drawn anew at every step, so members learn apart as in bagging; a prediction
is the mean of all. On noisy tables this is worth more than depth.

Source: Gorishniy, Kotelnikov and Babenko, TabM, 2024 (TabM-mini, after Wen, Tran and Ba, BatchEnsemble, 2020). Unlike
theirs an item is not shown to every member at once, which would cost as many times as much, and members share the head.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from penjing.models._activations import activation
from penjing.models._layers import Dropout, rounded

TAKES = ("vector",)


@dataclass(frozen=True)
class Settings:
    """How large the network is.

    Attributes:
        width: units of each hidden layer.
        depth: number of hidden layers; 0 leaves the head alone, a linear model.
        dropout: share of units silenced while training, 0 to 1.
        members: how many networks share the weights; 1 is a plain multi-layer perceptron.
        activation: behind each layer: "relu", "leaky_relu", "gelu" or "silu".
        has_norm: whether each hidden layer is normalised, item by item.
    """

    width: int = 256
    depth: int = 2
    dropout: float = 0.3
    members: int = 16
    activation: str = "relu"
    has_norm: bool = False


class InputWeights(nn.Module):
    """What each member multiplies each input by: near 1, and different from the other members.

    The weights lie in one vector and not in a matrix, so that optimisers treat them as scales: not decayed towards
    zero, not made orthogonal.
    """

    SPREAD = 0.5  # of the first weights around 1

    def __init__(self, members: int, inputs: int) -> None:
        super().__init__()
        self.members = members
        self.weight = nn.Parameter(torch.empty(members * inputs))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight, mean=1.0, std=self.SPREAD)

    def forward(
        self, values: Float[Tensor, "batch inputs"], member: int | Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch inputs"]:
        table = self.weight.view(self.members, -1)
        # An embedding adds its gradients in order; those of an index are added by all threads at once, and differ.
        return values * (table[member] if isinstance(member, int) else F.embedding(member, table))


class Tabular(nn.Module):
    """`members` times: inputs weighed, then `depth` times linear, normalisation if asked for, activation, dropout.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, inputs: int, settings: Settings) -> None:
        super().__init__()
        self.members = settings.members
        self.input_weights = InputWeights(settings.members, inputs) if settings.members > 1 else None
        widths = [inputs, *[settings.width] * settings.depth]
        self.features = widths[-1]
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))
        norms = (nn.LayerNorm(settings.width) for _ in range(settings.depth))
        self.norms = nn.ModuleList(norms) if settings.has_norm else None
        self.activation = activation(settings.activation)
        self.dropout = Dropout(settings.dropout)

    def forward(self, values: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch features"]:
        if self.input_weights is None:
            return self._hidden(values)
        if self.training:
            drawn = torch.randint(self.members, (len(values),), device=values.device)
            return self._hidden(self.input_weights(values, drawn))
        # one member after the other: all at once would need as many times the memory
        total = self._hidden(self.input_weights(values, 0))
        for member in range(1, self.members):
            total = total + self._hidden(self.input_weights(values, member))
        return total / self.members

    def _hidden(self, hidden: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch features"]:
        for depth, layer in enumerate(self.layers):
            hidden = layer(hidden)
            if self.norms is not None:
                hidden = self.norms[depth](hidden)
            hidden = self.dropout(self.activation(hidden))
        return hidden


def build(shape: tuple[int, ...], settings: Settings) -> Tabular:
    """The network for vectors of `shape` (features,)."""
    return Tabular(shape[0], settings)


def sized(dial: float, shape: tuple[int, ...]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the standard size: the hidden layers' weights grow as the dial does."""
    return Settings(width=rounded(Settings.width * math.sqrt(dial)))
