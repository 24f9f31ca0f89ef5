"""This computer: its processor, or its accelerator where torch finds one."""

from __future__ import annotations

import torch

from penjing.core.errors import UsageError
from penjing.training._device import is_usable

NAMES = ("auto", "cpu", "cuda", "mps")


def device(name: str = "auto") -> torch.device:
    """The device to train on.

    Args:
        name: "auto" takes the processor until accelerators have been tested; "cpu", "cuda" and "mps" are taken at
            their word.

    Raises:
        UsageError: the name is not one of those, or torch cannot use that device here.
    """
    if name not in NAMES:
        raise UsageError(f'there is no device "{name}"; known: {", ".join(NAMES)}')
    if name == "auto":
        return torch.device("cpu")
    if not is_usable(name):
        raise UsageError(f'torch cannot use the device "{name}" on this machine; leave --device out, or give cpu')
    return torch.device(name)
