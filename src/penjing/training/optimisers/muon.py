"""Momentum made orthogonal for the hidden matrices, AdamW for the rest: fewer steps to the same accuracy.

Source: Jordan et al., Muon, 2024, https://kellerjordan.github.io/posts/muon/; the step's size after Liu et al., Muon is
Scalable for LLM Training, 2025, so that rate and decay mean what they mean to AdamW. torch.optim.Muon takes matrices
only; here a convolution is the matrix [filters, inputs × height × width], and one optimiser holds both kinds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim.adamw import adamw

from penjing.training.optimisers._groups import grouped
from penjing.training.optimisers._weight_by_weight import WeightByWeight

# The quintic of Jordan et al.: its slope at 0 is steep, and singular values end near 1, not at 1.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_TINY = 1e-7
_SHORTEST_HALVED = 128  # rows or columns, of fewer bfloat16 is no faster


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
    """Groups with `orthogonal` true move by Muon, the others by AdamW.

    Attributes:
        number_format: what the products of Newton and Schulz are computed in, "float32" or "bfloat16"; whoever trains
            in bfloat16 sets it. A training in float16 has them in float32, for they need the range.
    """

    number_format = "float32"

    def move_group(self, weights: Sequence[Tensor], group: dict[str, Any]) -> None:
        if group["orthogonal"]:
            super().move_group(weights, group)
        else:
            self._move_by_adamw(weights, group)

    def move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        """Nesterov momentum, made orthogonal: as large on average as a step of AdamW, or a turn where `normalise`."""
        matrix = _with_momentum(gradient, self.state[weight], group)
        step = orthogonal(matrix, self.number_format).view(weight.shape)
        if group["normalise"]:
            # Source: K. Jordan, 94% on CIFAR-10 in 3.29 seconds on a single GPU, 2024 (airbench94_muon).
            weight.mul_(math.sqrt(min(matrix.shape)) / weight.norm().clamp(min=_TINY))
            weight.sub_(step, alpha=group["lr"])
        else:
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            weight.sub_(step, alpha=group["lr"] * 0.2 * math.sqrt(max(matrix.shape)))

    def _move_by_adamw(self, weights: Sequence[Tensor], group: dict[str, Any]) -> None:
        """A step of AdamW for all at once: many small tensors cost more in calls than in arithmetic."""
        for weight in weights:
            if not self.state[weight]:
                step = torch.zeros((), device=weight.device)
                self.state[weight].update(step=step, mean=torch.zeros_like(weight), square=torch.zeros_like(weight))
        states = [self.state[weight] for weight in weights]
        adamw(
            list(weights),
            [weight.grad for weight in weights if weight.grad is not None],
            [state["mean"] for state in states],
            [state["square"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,
            amsgrad=False,
            beta1=group["beta1"],
            beta2=group["beta2"],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["epsilon"],
            maximize=False,
        )


def _with_momentum(gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    """The gradient with Nesterov momentum, as a matrix [filters, all else]."""
    if not state:
        state["momentum"] = torch.zeros_like(gradient)
    state["momentum"].lerp_(gradient, 1 - group["momentum"])
    return gradient.lerp(state["momentum"], group["momentum"]).flatten(1)


def orthogonal(matrix: Float[Tensor, "rows columns"], number_format: str = "float32") -> Float[Tensor, "rows columns"]:
    """The matrix with its singular values brought near 1, by Newton–Schulz iteration.

    Each iteration multiplies the matrix from the left by a polynomial of its square. All of them are gathered in
    `factor` first, on the short side, which costs a third where a convolution is nine times as wide as it is high.

    Args:
        number_format: "bfloat16" computes the products of matrices that are not small in it, as published: twice to
            four times as fast where the processor has units for it, and not the same on all machines.
    """
    a, b, c = _COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    wide = matrix.T if tall else matrix
    wide = wide / wide.norm().clamp(min=_TINY)
    if number_format == "bfloat16" and len(wide) >= _SHORTEST_HALVED:
        wide = wide.bfloat16()
    square = wide @ wide.T
    factor: Tensor | None = None
    for iteration in range(_ITERATIONS):
        step = torch.addmm(square, square, square, beta=b, alpha=c)
        step.diagonal().add_(a)
        factor = step if factor is None else step @ factor
        if iteration < _ITERATIONS - 1:
            square = step @ square @ step
    assert factor is not None, "there are iterations"
    wide = (factor @ wide).to(matrix.dtype)
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
                # torch restores the counter of steps to where the weights are for groups that say they are fused
                groups.append({**group, "params": chosen, "orthogonal": kind, "lr": rate, "fused": not kind})
    names = ("momentum", "normalise", "beta1", "beta2", "epsilon")
    return Muon(groups, {"lr": settings.rate, **{name: getattr(settings, name) for name in names}})
