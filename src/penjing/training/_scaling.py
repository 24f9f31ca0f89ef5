"""Losses that are scaled up before their gradients are taken, where these are float16.

The smallest number of float16 is 6e-8, and most of the gradient of a mean over many items lies below it. So the loss is
multiplied by a number that is as large as gradients allow: it is halved, and the update left out, where one of them
became infinite, and doubled after `STEADY` updates without that.

Source: P. Micikevicius et al., Mixed precision training, ICLR 2018; torch.amp.GradScaler. Departure: trainings
here are short, so it begins lower, where hardly an update is lost, and grows sooner than torch's.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from penjing.core.errors import UsageError

FIRST, STEADY = 2.0**12, 500  # what the first loss is multiplied by; updates
_NAMES = ("scale", "growth_tracker", "left_out")


def needs_float16(device: str) -> bool:
    """Whether a device computes in float16 and not in bfloat16, which needs no scaling: GPUs before Ampere."""
    return device == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False)


class Scaling:
    """The gradients of losses, and the updates by them, of one optimiser.

    Args:
        number_format: of forward and backward passes; all but float16 need no scaling, and get none.
        optimiser: moves the weights.
        device: where they lie.

    Attributes:
        left_out: updates so far that were left out.
        was_left_out: whether the last one was.

    Raises:
        UsageError: the optimiser measures losses again and again in one update, which cannot be scaled.
    """

    def __init__(self, number_format: str, optimiser: torch.optim.Optimizer, device: torch.device) -> None:
        self._optimiser, self._scaler = optimiser, None
        self.left_out, self.was_left_out = 0, False
        if number_format == "float16":
            if getattr(optimiser, "measures_again", False):
                raise UsageError(
                    "this optimiser measures the loss several times an update, which float16 cannot scale; "
                    "set machine.number_format to bfloat16 or float32"
                )
            self._scaler = torch.amp.GradScaler(device.type, init_scale=FIRST, growth_interval=STEADY)

    def backward(self, loss: Tensor) -> None:
        """Leave the gradient of a loss in the weights, as large as it is."""
        if self._scaler is None:
            loss.backward()
        else:
            self._scaler.scale(loss).backward()
            self._scaler.unscale_(self._optimiser)

    def move(self) -> bool:
        """Move the weights by their gradients, unless one of these is infinite. Returns whether they moved."""
        if self._scaler is None:
            self._optimiser.step()
            return True
        before = self._scaler.get_scale()
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self.was_left_out = self._scaler.get_scale() < before
        if self.was_left_out:
            self.left_out += 1
            for group in self._optimiser.param_groups:
                for weight in group["params"]:
                    weight.grad = None  # whoever compares it with the next one would find no number
        return not self.was_left_out

    def told(self) -> dict[str, float]:
        """For the record: `scaling/factor`, what losses are multiplied by, and `scaling/left_out`, updates so far."""
        if self._scaler is None:
            return {}
        return {"scaling/factor": self._scaler.get_scale(), "scaling/left_out": float(self.left_out)}

    def tensors(self) -> dict[str, Tensor]:
        """Its state, for a checkpoint."""
        if self._scaler is None:
            return {}
        state = self._scaler.state_dict()
        values = (state["scale"], state["_growth_tracker"], self.left_out)
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in zip(_NAMES, values, strict=True)}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        if self._scaler is not None:
            scale, tracker, left_out = (float(tensors[name]) for name in _NAMES)
            self._scaler.load_state_dict({**self._scaler.state_dict(), "scale": scale, "_growth_tracker": int(tracker)})
            self.left_out = int(left_out)
