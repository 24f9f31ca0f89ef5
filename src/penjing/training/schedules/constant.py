"""The rate stays as it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """A constant rate has nothing to set."""


def factor(progress: float, settings: Settings) -> float:  # noqa: ARG001 - every schedule is asked in the same words
    """What the rate is multiplied by at a progress from 0 to 1: one."""
    return 1.0
