"""AdamW that averages its own path, so the rate need not fall and the end need not be known.

Source: Defazio et al., The Road Less Scheduled, 2024, AdamW variant; the average weighs all steps after the warm-up
alike, where the paper weighs by the square of the rate. Use it with the schedule `constant`.

Gradients are taken at a place between the path and its average, and that is what the network holds; predictions are
made at the average, which `average_of` gives. Running statistics of a batch normalisation are those of the former.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from penjing.training.optimisers._groups import grouped
from penjing.training.optimisers._weight_by_weight import WeightByWeight


@dataclass(frozen=True)
class Settings:
    """How the weights move.

    Attributes:
        rate: the learning rate, above 0.
        weight_decay: share of a weight that goes at each step, times the rate; 0 is none.
        beta1: how near the average gradients are taken, from 0 (at the path) to 1 (at the average).
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


class ScheduleFree(WeightByWeight):
    """The network's weights are the place y where gradients are taken; the state holds the path z and its average x."""

    def average_of(self, weight: Tensor) -> Tensor:
        """What to predict with in the place of a weight; the weight itself before the first step."""
        average = self.state[weight].get("average") if weight in self.state else None
        return weight.detach() if average is None else average

    def move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        _advance(weight, gradient, self.state[weight], group)


def _advance(weight: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    """One step of one weight."""
    if not state:
        state.update(step=torch.zeros(()), path=weight.clone(), average=weight.clone(), square=torch.zeros_like(weight))
    state["step"] += 1
    step, path = int(state["step"]), state["path"]
    state["square"].lerp_(gradient.square(), 1 - group["beta2"])
    size = (state["square"] / (1 - group["beta2"] ** step)).sqrt() + group["epsilon"]
    rate = group["lr"] * min(1.0, step / max(1, group["warm_up"]))
    path -= rate * (gradient / size + group["weight_decay"] * weight)
    # during the warm-up the average is the path itself, so that the start leaves no trace
    state["average"].lerp_(path, 1 / max(1, step - group["warm_up"]))
    weight.copy_(torch.lerp(path, state["average"], group["beta1"]))


def build(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """The optimiser over the network's trainable weights."""
    names = ("beta1", "beta2", "epsilon", "warm_up")
    defaults = {"lr": settings.rate, **{name: getattr(settings, name) for name in names}}
    return ScheduleFree(grouped(network, settings.weight_decay), defaults)
