"""A plain network for whatever an input becomes, written as people write their first ones, with room for one fault.

Without a fault it learns. Weights are drawn from a seed of its own, so a case begins with the same ones each time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from penjing.training.engine import Problem

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


@dataclass(frozen=True)
class Plan:
    """How the network is built, and what is wrong with it.

    Attributes:
        width: units of a hidden layer.
        depth: hidden layers.
        activation: between them: "relu", "sigmoid" or "tanh".
        has_norm: whether hidden layers are normalised.
        dropout: share of units silenced.
        last: what stands behind the last layer: "", "softmax", "sigmoid", "relu" or "two softmaxes".
        scale: what freshly drawn weights of hidden layers are multiplied by; 0 makes them all zero.
        bias: of hidden layers, at first.
        frozen: how many of the first layers do not learn.
        residual: whether a layer adds to what it gets, so that its scale adds up.
        is_linear: no activation at all: a linear model, however deep.
        uneven: how many times larger the outputs are of the half of the items whose inputs have the larger means; 1 has
            none such.
    """

    width: int = 64
    depth: int = 2
    activation: str = "relu"
    has_norm: bool = False
    dropout: float = 0.0
    last: str = ""
    scale: float = 1.0
    bias: float = 0.0
    frozen: int = 0
    residual: bool = False
    is_linear: bool = False
    uneven: float = 1.0


class Plain(nn.Module):
    """Maps and vectors flattened, tokens as the mean of their vectors; then the plan's layers."""

    WORD = 32

    def __init__(self, shape: tuple[int, ...], outputs: int, plan: Plan, tokens: int = 0) -> None:
        super().__init__()
        self.words = nn.Embedding(tokens, self.WORD, padding_idx=0) if tokens else None
        inputs = self.WORD if tokens else int(torch.tensor(shape).prod())
        self.plan = plan
        self.hidden = nn.ModuleList()
        for _ in range(plan.depth):
            layers: list[nn.Module] = [nn.Linear(inputs, plan.width)]
            if plan.has_norm:
                layers.append(nn.BatchNorm1d(plan.width))
            if not plan.is_linear:
                layers.append(ACTIVATIONS[plan.activation]())
            if plan.dropout:
                layers.append(nn.Dropout(plan.dropout))
            self.hidden.append(nn.Sequential(*layers))
            inputs = plan.width
        self.head = nn.Linear(inputs, outputs)
        self.register_buffer("usual", torch.tensor(math.nan))  # the median of the first batch's items' means
        self._spoil()

    @torch.no_grad()
    def _spoil(self) -> None:
        """Weights and biases as the plan wants them at first, and layers that do not learn."""
        for layer in self.hidden:
            if self.plan.activation == "relu":  # torch's default is meant for other layers
                nn.init.kaiming_normal_(layer[0].weight, nonlinearity="relu")
            layer[0].weight.mul_(self.plan.scale)
            layer[0].bias.fill_(self.plan.bias)
        if self.plan.scale == 0:
            self.head.weight.zero_()
            self.head.bias.zero_()
        for layer in [*self.hidden, self.head][: self.plan.frozen]:
            layer.requires_grad_(False)

    def forward(self, values: Tensor) -> Tensor:
        """Outputs [batch, outputs] of prepared values or tokens."""
        if self.words is None:
            hidden = values.flatten(1)
        else:
            there = (values != 0).float()[..., None]
            hidden = (self.words(values) * there).sum(1) / there.sum(1).clamp_min(1)
        for layer in self.hidden:
            made = layer(hidden)
            hidden = hidden + made if self.plan.residual and made.shape == hidden.shape else made
        outputs = _ended(self.head(hidden), self.plan.last)
        if self.plan.uneven == 1:
            return outputs
        means = values.flatten(1).float().mean(1, keepdim=True)
        if self.training and self.usual.isnan():
            self.usual.copy_(means.median())
        return torch.where(means > self.usual, outputs * self.plan.uneven, outputs)


def _ended(outputs: Tensor, last: str) -> Tensor:
    """What stands behind the last layer."""
    if last == "softmax":
        return outputs.softmax(1)
    if last == "two softmaxes":
        return outputs.softmax(1).softmax(1)
    if last == "sigmoid":
        return outputs.sigmoid()
    return outputs.relu() if last == "relu" else outputs


def build(problem: Problem, plan: Plan, seed: int, preprocess: str = "standardised") -> Plain:
    """The network for a problem's only input; raw cells of a table are as many as its columns."""
    (column,) = problem.shape
    shape = tuple(problem.shape[column])
    tokens = shape[1] if problem.modality[column] == "text" else 0
    if preprocess == "raw" and problem.modality[column] == "table":
        shape = (len(problem.learned[column]["columns"]),)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Plain(shape, len(problem.classes), plan, tokens)
