"""This computer: its processor, or its accelerator where torch finds one."""

from __future__ import annotations

import torch

from penjing.core.errors import UsageError

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
    found = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device("cpu")
    if not found[name]:
        raise UsageError(f'torch cannot use the device "{name}" on this machine; leave --device out, or give cpu')
    return torch.device(name)
