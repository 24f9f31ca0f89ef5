"""The rate drops by the same factor a few times, evenly spread."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """The stairs.

    Attributes:
        drops: how many times the rate drops before the end, at least 0.
        keep: what each drop multiplies the rate by, 0 to 1.
    """

    drops: int = 2
    keep: float = 0.1


def factor(progress: float, settings: Settings) -> float:
    """What the rate is multiplied by at a progress from 0 to 1; it is zero at 1, as in every schedule that falls."""
    if progress >= 1.0:
        return 0.0
    return settings.keep ** int(progress * (settings.drops + 1))
