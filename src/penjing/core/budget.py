"""One clock for a whole command: every stage asks it what is left, so the deadline holds however slow a stage was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

DEFAULT_SECONDS = 300.0
# What must still happen after the last step: predictions, the pictures of the report, files.
CLOSING_SHARE, LEAST_CLOSING_SECONDS = 0.06, 3.0

# Of what is left when the data are prepared, the training gets about this share; trials, floor and closing the rest.
TRAINING_SHARE = 0.75
# With less than this, a network is hardly better than it began.
LEAST_TRAINING_SECONDS = 1.0
# What each of several trainings must have before there are several that nobody asked for.
GOOD_TRAINING_SECONDS = 5.0


def most_folds(seconds: float, each: float = LEAST_TRAINING_SECONDS) -> int:
    """How many folds of `each` seconds or more fit into those of a whole command; the network that is kept is one more
    training."""
    return int(TRAINING_SHARE * seconds / each) - 1


@dataclass
class Clock:
    """The time a command may take, and where it went.

    Attributes:
        limit_seconds: from the start to the deadline.
        is_binding: whether the training is cut to the deadline; a finished recipe is carried out whole, and the
            seconds then only say how much the work around it may take.
        spent: stage → seconds, filled by `stage`.
    """

    limit_seconds: float = DEFAULT_SECONDS
    is_binding: bool = True
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
    def training_left(self) -> float:
        """Seconds until the last step must be done, so that closing work still fits; never below zero."""
        return max(0.0, self.left - max(LEAST_CLOSING_SECONDS, CLOSING_SHARE * self.limit_seconds))

    def restart(self) -> None:
        """Begin anew: what was done until now counts in the time of something else. What it took stays in `spent`."""
        self.started = time.monotonic()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the seconds inside the block to `spent[name]`."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.spent[name] = self.spent.get(name, 0.0) + time.monotonic() - begun
