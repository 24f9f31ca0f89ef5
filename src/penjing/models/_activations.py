"""Activation functions by name, for networks that let them be chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from penjing.core.errors import UsageError, did_you_mean

SLOPE = 0.1  # of the leaky one below zero: enough for a unit to come back
FUNCTIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "leaky_relu": partial(F.leaky_relu, negative_slope=SLOPE),
    "gelu": F.gelu,
    "silu": F.silu,
}
MODULES: Mapping[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": partial(nn.LeakyReLU, SLOPE),
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}
# What may stand between layers in the place of which another one learns.
KINDS: tuple[type[nn.Module], ...] = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Hardswish, nn.Softplus),
    *(nn.Tanh, nn.Sigmoid, nn.Hardtanh, nn.Hardsigmoid, nn.Softsign),
)


def activation(name: str) -> Callable[[Tensor], Tensor]:
    """The function of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in FUNCTIONS:
        raise UsageError(f'there is no activation "{name}"; {did_you_mean(name, FUNCTIONS)}')
    return FUNCTIONS[name]
