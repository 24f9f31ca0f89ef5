"""A Keras model as a torch module whose weights are named by their place, the same in every process."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from penjing.keras import library


class Wrapped(nn.Module):
    """A Keras model that takes inputs as penjing has them: channels first, and a call for each input by place.

    Keras names weights by a count of the layers made so far, and a copy of a model has other names; here they are
    numbered. `train()` and `eval()` decide on Keras' `training`, which does not follow them by itself.

    Args:
        model: on the torch backend; it is called with these very weights.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self._hold(model)

    def _hold(self, model: Any) -> None:
        # Past torch's bookkeeping: as a submodule, its weights would be listed twice and under their Keras names.
        self.__dict__["model"] = model
        variables = model.variables if model.built else []
        self.weights = nn.ParameterList([variable.value for variable in variables])

    @property
    def takes(self) -> list[tuple[str, bool]] | None:
        """(name, whether it must be given) of each input; None before the model is built."""
        model = self.__dict__["model"]
        if not model.built or not getattr(model, "inputs", None):
            return None
        return [(one.name, True) for one in model.inputs]

    def is_unbuilt(self) -> bool:
        """Whether the layers wait for their first input."""
        return not self.__dict__["model"].built

    def forward(self, *inputs: Tensor) -> Any:
        model = self.__dict__["model"]
        given = [value.movedim(-3, -1) if value.ndim >= 4 else value for value in inputs]
        # Keras would move all that it is given to a device of its own choice: a GPU, where there is one.
        with library().device(str(given[0].device)):
            if not model.built:
                shapes = [(None, *value.shape[1:]) for value in given]
                model.build(shapes[0] if len(shapes) == 1 else shapes)
                self._hold(model)
            return model(given[0] if len(given) == 1 else given, training=self.training)

    def __deepcopy__(self, memory: dict[int, Any]) -> Wrapped:
        """A copy with weights of its own. Keras draws the state of its dropout anew for a copy; here it is copied."""
        model = self.__dict__["model"]
        with warnings.catch_warnings():  # Keras copies by writing and reading, with calls that numpy will drop one day
            warnings.simplefilter("ignore", DeprecationWarning)
            copied = Wrapped(copy.deepcopy(model))
        memory[id(self)] = copied
        with torch.no_grad():
            for ours, theirs in zip(copied.weights, self.weights, strict=True):
                ours.copy_(theirs)
                ours.requires_grad_(theirs.requires_grad)
        return copied.train(self.training)
