"""Momentum made orthogonal for the hidden matrices, AdamW for the rest: fewer steps to the same accuracy.

Source: Jordan et al., Muon, 2024, https://kellerjordan.github.io/posts/muon/; the step's size after Liu et al., Muon is
Scalable for LLM Training, 2025, so that rate and decay mean what they mean to AdamW. torch.optim.Muon takes matrices
only; here a convolution is the matrix [filters, inputs × height × width], and one optimiser holds both kinds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from penjing.training.optimisers._groups import grouped
from penjing.training.optimisers._weight_by_weight import WeightByWeight

# The quintic of Jordan et al.: its slope at 0 is steep, and singular values end near 1, not at 1.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_TINY = 1e-7


@dataclass(frozen=True)
class Settings:
    """How the weights move.

    Attributes:
        rate: the learning rate, above 0, of hidden matrices and of the rest alike.
        weight_decay: share of a weight that goes at each step, times the rate; 0 is none.
        rest: what the rate is multiplied by for the rest, above 0.
        momentum: memory of the gradient of hidden matrices, 0 to under 1.
        normalise: whether hidden matrices keep their norm, and a step turns them by `rate` radians or so whatever their
            size; for networks in which a normalisation follows every hidden matrix. They then have no decay.
        beta1: memory of the gradient's mean for the rest, 0 to under 1.
        beta2: memory of the gradient's square for the rest, 0 to under 1.
        epsilon: added to the root of the square for the rest, above 0.
    """

    rate: float = 1e-2
    weight_decay: float = 0.05
    rest: float = 1.0
    momentum: float = 0.95
    normalise: bool = False
    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 1e-8


class Muon(WeightByWeight):
    """Groups with `orthogonal` true move by Muon, the others by AdamW."""

    def move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        if group["orthogonal"] and group["normalise"]:
            _turn(weight, gradient, self.state[weight], group)
            return
        update = _orthogonal_update if group["orthogonal"] else _adaptive_update
        change = update(gradient, self.state[weight], group)
        weight.mul_(1 - group["lr"] * group["weight_decay"]).sub_(change, alpha=group["lr"])


def _orthogonal_update(gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    """Nesterov momentum, made orthogonal, as large on average as a step of AdamW."""
    matrix = _with_momentum(gradient, state, group)
    return (0.2 * math.sqrt(max(matrix.shape)) * orthogonal(matrix)).view(gradient.shape)


def _turn(weight: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    """Bring the matrix to the norm of an orthogonal one of its shape, then add an orthogonal step of that norm.

    Source: K. Jordan, 94% on CIFAR-10 in 3.29 seconds on a single GPU, 2024 (airbench94_muon).
    """
    matrix = _with_momentum(gradient, state, group)
    weight.mul_(math.sqrt(min(matrix.shape)) / weight.norm().clamp(min=_TINY))
    weight.sub_(orthogonal(matrix).view(weight.shape), alpha=group["lr"])


def _with_momentum(gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    """The gradient with Nesterov momentum, as a matrix [filters, all else]."""
    if not state:
        state["momentum"] = torch.zeros_like(gradient)
    state["momentum"].lerp_(gradient, 1 - group["momentum"])
    return gradient.lerp(state["momentum"], group["momentum"]).flatten(1)


def _adaptive_update(gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    """The step of AdamW, its decay apart."""
    if not state:
        state.update(step=torch.zeros(()), mean=torch.zeros_like(gradient), square=torch.zeros_like(gradient))
    state["step"] += 1
    step = int(state["step"])
    state["mean"].lerp_(gradient, 1 - group["beta1"])
    state["square"].lerp_(gradient.square(), 1 - group["beta2"])
    mean = state["mean"] / (1 - group["beta1"] ** step)
    square = state["square"] / (1 - group["beta2"] ** step)
    return mean / (square.sqrt() + group["epsilon"])


def orthogonal(matrix: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """The matrix with its singular values brought near 1, by Newton–Schulz iteration.

    Each iteration multiplies the matrix from the left by a polynomial of its square. All of them are gathered in
    `factor` first, on the short side, which costs a third where a convolution is nine times as wide as it is high.
    The products are float32: bfloat16 is faster on some machines, yet not the same on all.
    """
    a, b, c = _COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    wide = matrix.T if tall else matrix
    wide = wide / wide.norm().clamp(min=_TINY)
    square = wide @ wide.T
    factor = torch.eye(len(square), dtype=square.dtype, device=square.device)
    for _ in range(_ITERATIONS):
        step = b * square + c * square @ square
        step.diagonal().add_(a)
        factor, square = step @ factor, step @ square @ step
    wide = factor @ wide
    return wide.T if tall else wide


def _reading(network: nn.Module) -> Iterator[Tensor]:
    """The weights that read inputs: the first matrix of each encoder, and tables of vectors."""
    encoders = getattr(network, "encoder", None)
    for part in encoders.values() if isinstance(encoders, nn.ModuleDict) else ():
        yield from [weight for weight in part.parameters() if weight.ndim > 1][:1]
    for layer in network.modules():
        if isinstance(layer, nn.Embedding | nn.EmbeddingBag):
            yield layer.weight


def build(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """The optimiser over the network's trainable weights.

    Hidden are all matrices and convolutions but the first of each encoder, which reads an input, tables of vectors, and
    the last, which gives the outputs: those and all vectors are left to AdamW.
    """
    matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    hidden = {id(weight) for weight in matrices[1:-1]}  # a first one may be there that is not learned
    hidden -= {id(weight) for weight in _reading(network)}
    groups: list[dict[str, Any]] = []
    for group in grouped(network, settings.weight_decay):
        for kind in (True, False):
            chosen = [weight for weight in group["params"] if (id(weight) in hidden) is kind]
            if chosen:
                rate = settings.rate * (1.0 if kind else settings.rest)
                groups.append({**group, "params": chosen, "orthogonal": kind, "lr": rate})
    names = ("momentum", "normalise", "beta1", "beta2", "epsilon")
    return Muon(groups, {"lr": settings.rate, **{name: getattr(settings, name) for name in names}})
