"""One clock for a whole command: every stage asks it what is left, so the deadline holds however slow a stage was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

DEFAULT_SECONDS = 300.0
# What must still happen after the last step: predictions, the pictures of the report, files.
CLOSING_SHARE = 0.07


@dataclass
class Clock:
    """The time a command may take, and where it went.

    Attributes:
        limit_seconds: from the start to the deadline.
        spent: stage → seconds, filled by `stage`.
    """

    limit_seconds: float = DEFAULT_SECONDS
    started: float = field(default_factory=time.monotonic)
    spent: dict[str, float] = field(default_factory=dict)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds until the deadline; never below zero."""
        return max(0.0, self.limit_seconds - self.elapsed)

    @property
    def deadline(self) -> float:
        """The deadline on `time.monotonic`'s scale."""
        return self.started + self.limit_seconds

    @property
    def training_deadline(self) -> float:
        """When the last step must be done, on `time.monotonic`'s scale, so that closing work still fits."""
        return self.deadline - max(0.5, CLOSING_SHARE * self.limit_seconds)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the seconds inside the block to `spent[name]`."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.spent[name] = self.spent.get(name, 0.0) + time.monotonic() - begun
