"""What the optimisers written out here share: the walk over all weights."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


class WeightByWeight(torch.optim.Optimizer):
    """Moves each weight that has a gradient by the formula in `move`; the others stay where they are."""

    @abstractmethod
    def move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        """Change one weight in place. What is remembered of it belongs in `self.state[weight]`."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One update of all weights. Returns what `closure`, which computes the loss anew, gives; without it None."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self.move_group([weight for weight in group["params"] if weight.grad is not None], group)
        return loss

    def move_group(self, weights: Sequence[Tensor], group: dict[str, Any]) -> None:
        """Change the weights of a group that have a gradient, in place."""
        for weight in weights:
            assert weight.grad is not None, "only weights with a gradient move"
            self.move(weight, weight.grad, group)
