"""L-BFGS: goes to the lowest point of a convex loss in a few looks at all items; nothing is drawn, no rate to tune.

Source: Liu and Nocedal, On the limited memory BFGS method for large scale optimization, 1989, as torch has it, with a
strong Wolfe line search. Here each update begins without memories: so a checkpoint needs none, and an update more does
no harm. Dropout and augmentation do not suit it, since it compares losses at different places.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

# The curvature is that of the whole loss.
WHOLE_BATCH = True


@dataclass(frozen=True)
class Settings:
    """How far one update goes.

    Attributes:
        rate: the first length that the line search tries, above 0.
        weight_decay: λ of the penalty ½ λ |w|² that is added to the loss; biases are not in it. With n items,
            λ = 1 / (C n) is the C of scikit-learn.
        iterations: directions followed in one update at most.
    """

    rate: float = 1.0
    weight_decay: float = 0.0
    iterations: int = 25


class Lbfgs(torch.optim.LBFGS):
    """One update minimises the loss along several directions, each of which measures it anew.

    Attributes:
        measures_again: tells the training's step to hand in the function that measures the loss.
    """

    measures_again = True

    def __init__(self, weights: list[nn.Parameter], settings: Settings) -> None:
        super().__init__(weights, settings.rate, settings.iterations, line_search_fn="strong_wolfe")
        self._decayed = [weight for weight in weights if weight.ndim > 1]
        self._decay = settings.weight_decay

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]  # it cannot do without
        """Follow up to `iterations` directions.

        Args:
            closure: measures the loss and leaves its gradient in the weights.

        Returns:
            The loss before, without the penalty.
        """
        if self.param_groups[0]["lr"] == 0:
            return closure()
        measured: list[Tensor] = []

        def penalised() -> Tensor:
            with torch.enable_grad():
                loss = closure()
            measured.append(loss.detach())
            return loss.detach() + self._pull()

        super().step(penalised)
        self.state.clear()
        return measured[0]

    def _gather_flat_grad(self) -> Tensor:
        """All gradients in one row. Torch asks that each lies in memory in the order of its numbers, which those of
        convolutions that are laid out channels last do not."""
        for weight in self._params:
            if weight.grad is not None and not weight.grad.is_sparse:
                weight.grad = weight.grad.contiguous()
        return super()._gather_flat_grad()

    @torch.no_grad()
    def _pull(self) -> Tensor:
        """Add the penalty's gradient to the weights', and return the penalty."""
        penalty = torch.zeros(())
        for weight in self._decayed:
            if self._decay and weight.grad is not None:
                weight.grad.add_(weight, alpha=self._decay)
                penalty = penalty.to(weight.device) + self._decay / 2 * weight.square().sum()
        return penalty


def build(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """The optimiser over the network's trainable weights."""
    return Lbfgs([weight for weight in network.parameters() if weight.requires_grad], settings)
