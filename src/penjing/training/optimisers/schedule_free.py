"""AdamW that averages its own path, so the rate need not fall and the end need not be known.

Source: Defazio et al., The Road Less Scheduled, 2024, AdamW variant; the average weighs all steps after the warm-up
alike, where the paper weighs by the square of the rate. Use it with the schedule `constant`.

Gradients are taken at a place between the path and its average, predictions are made at the average. Call `eval()`
before the weights are measured or saved and `train()` before the next step, as for a module. Running statistics of a
batch normalisation are those of the training place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from penjing.training.optimisers._groups import grouped


@dataclass(frozen=True)
class Settings:
    """How the weights move.

    Attributes:
        rate: the learning rate, above 0.
        weight_decay: share of a weight that goes at each step, times the rate; 0 is none.
        beta1: how near the average gradients are taken, above 0 (at the path) to 1 (at the average).
        beta2: memory of the gradient's square, 0 to under 1.
        epsilon: added to the root of the square, above 0.
        warm_up: steps over which the rate climbs to its full size.
    """

    rate: float = 5e-3
    weight_decay: float = 0.05
    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 1e-8
    warm_up: int = 50


class ScheduleFree(torch.optim.Optimizer):
    """The weights hold the training place; `state["path"]` holds the path z; the average x follows from both."""

    is_training = True

    def train(self) -> None:
        """Put the place where gradients are taken into the weights."""
        self._move(to_training=True)

    def eval(self) -> None:
        """Put the average, which predicts, into the weights."""
        self._move(to_training=False)

    @torch.no_grad()
    def _move(self, to_training: bool) -> None:
        if self.is_training == to_training:
            return
        self.is_training = to_training
        for group in self.param_groups:
            # y = (1 − β) z + β x, hence x = z + (y − z) / β
            share = 1 - group["beta1"] if to_training else 1 - 1 / group["beta1"]
            for weight in group["params"]:
                if "path" in self.state[weight]:
                    weight.lerp_(self.state[weight]["path"], share)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        if not self.is_training:
            raise RuntimeError("the weights hold the average; call train() before the next step")
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            group["steps"] += 1
            for weight in group["params"]:
                if weight.grad is not None:
                    _advance(weight, self.state[weight], group)
        return loss


def _advance(weight: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    """One step of one weight, which holds the training place y."""
    gradient, steps, beta = weight.grad, group["steps"], group["beta1"]
    assert gradient is not None
    if not state:
        state.update(path=weight.clone(), square=torch.zeros_like(weight))
    path, square = state["path"], state["square"]
    square.lerp_(gradient.square(), 1 - group["beta2"])
    size = (square / (1 - group["beta2"] ** steps)).sqrt() + group["epsilon"]
    rate = group["lr"] * min(1.0, steps / max(1, group["warm_up"]))
    average = path + (weight - path) / beta
    path -= rate * (gradient / size + group["weight_decay"] * weight)
    # during the warm-up the average is the path itself, so that the start leaves no trace
    average.lerp_(path, 1 / max(1, steps - group["warm_up"]))
    weight.copy_(torch.lerp(path, average, beta))


def build(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """The optimiser over the network's trainable weights."""
    names = ("beta1", "beta2", "epsilon", "warm_up")
    defaults = {"lr": settings.rate, "steps": 0, **{name: getattr(settings, name) for name in names}}
    return ScheduleFree(grouped(network, settings.weight_decay), defaults)
