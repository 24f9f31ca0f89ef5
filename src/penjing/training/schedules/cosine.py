"""The rate falls to zero along half a cosine: slowly, fast, slowly.

Source: Loshchilov and Hutter, SGDR, 2017 (without restarts).
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Half a cosine has nothing to set."""


def factor(progress: float, settings: Settings) -> float:  # noqa: ARG001 - every schedule is asked in the same words
    """What the rate is multiplied by at a progress from 0 to 1."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))
