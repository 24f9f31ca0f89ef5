"""The rate falls in a straight line to zero."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """A straight line has nothing to set."""


def factor(progress: float, settings: Settings) -> float:  # noqa: ARG001 - every schedule is asked in the same words
    """What the rate is multiplied by at a progress from 0 to 1."""
    return 1.0 - progress
