"""This computer: its processor, or its accelerator where torch finds one."""

from __future__ import annotations

import torch

from penjing.core.errors import UsageError
from penjing.training._device import is_usable

NAMES = ("auto", "cpu", "cuda", "mps")


def device(name: str = "auto") -> torch.device:
    """The device to train on.

    Args:
        name: "auto" takes a CUDA GPU where torch sees one that computes, else the processor; "cpu", "cuda" and "mps"
            are taken at their word.

    Raises:
        UsageError: the name is not one of those, or torch cannot use that device here.
    """
    if name not in NAMES:
        raise UsageError(f'there is no device "{name}"; known: {", ".join(NAMES)}')
    if name == "auto":
        return torch.device("cuda" if is_usable("cuda") and not trouble("cuda") else "cpu")
    if not is_usable(name):
        raise UsageError(f'torch cannot use the device "{name}" on this machine; leave --device out, or give cpu')
    return torch.device(name)


def trouble(name: str) -> str:
    """Why a device does not compute, in torch's words; "" where it does. A GPU that is too old for this torch is seen,
    and fails at the first product."""
    try:
        one = torch.ones(1, 1, device=name)
        return "" if float(one @ one) == 1 else "one times one is not one"
    except (RuntimeError, AssertionError) as problem:
        return str(problem).strip().partition("\n")[0] or type(problem).__name__


def told(name: str) -> str:
    """Where it is trained, as a sentence; "" for the processor, unless there is a GPU that it had to step in for."""
    if name == "cuda":
        return f"trains on {torch.cuda.get_device_name()}; --device cpu takes the processor"
    if name == "cpu" and torch.cuda.is_available():
        why = trouble("cuda")
        return f"trains on the processor, for torch sees a GPU that does not compute ({why})" if why else ""
    return ""
