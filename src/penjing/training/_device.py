"""Which devices torch can use on this machine."""

from __future__ import annotations

import torch


def is_usable(name: str) -> bool:
    """Whether torch can train on "cpu", "cuda" or "mps" here."""
    return {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}.get(name, False)
