"""This computer: its processor, or its accelerator where torch finds one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch

from penjing.core.errors import UsageError

NAMES = ("auto", "cpu", "cuda", "mps")


def device(name: str = "auto") -> torch.device:
    """The device to train on.

    Args:
        name: "auto" takes an accelerator where there is one; else "cpu", "cuda" or "mps".

    Raises:
        UsageError: the name is not one of those, or torch cannot use that device here.
    """
    if name not in NAMES:
        raise UsageError(f'there is no device "{name}"; known: {", ".join(NAMES)}')
    found = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if found[kind]))
    if not found[name]:
        raise UsageError(f'torch cannot use the device "{name}" on this machine; leave --device out, or give cpu')
    return torch.device(name)


def cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Inside the block torch uses `count` threads an operation; afterwards it is as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
