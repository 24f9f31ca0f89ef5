"""The rate climbs, stays at its peak, and falls to zero at the end; the flat part may be as long as one likes.

Source: Hägele et al., Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations, 2024.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """The trapezoid.

    Attributes:
        warm_up: share of the training until the peak, 0 to 1.
        cool_down: share of the training that falls to zero, above 0; with `warm_up` at most 1.
        start: the factor at the first step, 0 to 1.
    """

    warm_up: float = 0.1
    cool_down: float = 0.4
    start: float = 0.1


def factor(progress: float, settings: Settings) -> float:
    """What the rate is multiplied by at a progress from 0 to 1."""
    if progress < settings.warm_up:
        return settings.start + (1.0 - settings.start) * progress / settings.warm_up
    return min(1.0, (1.0 - progress) / settings.cool_down)
