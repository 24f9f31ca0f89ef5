"""The time, on a device that works on while the processor tells it more."""

from __future__ import annotations

import time

import torch


def synchronise(device: torch.device) -> None:
    """Wait until a device has done all that it was told; the processor always has."""
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()


def now(device: torch.device) -> float:
    """Seconds of `time.monotonic`, once the device has done all that it was told."""
    synchronise(device)
    return time.monotonic()
