"""What ends a training that is not worth its end: it would take too long, or it is far behind the best one."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from penjing.core.events import Evaluated, Event, Progress, Started
from penjing.core.recipe import Recipe
from penjing.training._plan import total_steps

# A training is given up where, after so much of it, it has not come near what the best one had by then.
HALF_WAY = 0.6
# A forecast of how long a training takes is believed after this share of the seconds that it may take, for a busy
# machine gets free again; at once (after so many seconds) where it is so many times as long.
BELIEVED_SHARE, BELIEVED_AFTER, HOPELESS = 0.5, 1.0, 4.0

Curve = Sequence[tuple[float, float]]  # (share of the training, the best value so far, larger being better)


class TooSlowError(Exception):
    """A training that would take longer than it may; told as soon as that is seen.

    Attributes:
        seconds: that it would take.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it would take {seconds:.0f} s")
        self.seconds = seconds


class SeeingTooSlowError(TooSlowError):
    """Encoders that would take longer to see all items than they may."""


class BehindError(Exception):
    """A training that was given up, for it was far behind the best one.

    Attributes:
        share: how much of it was behind it, 0 to 1.
        value: the best that it had reached.
        needed: what the best one had by then.
    """

    def __init__(self, share: float, value: float, needed: float) -> None:
        super().__init__(f"behind after {share:.0%}: {value:.4g}, where the best one had {needed:.4g}")
        self.share, self.value, self.needed = share, value, needed


@dataclass(frozen=True)
class Limits:
    """What ends a training that is not worth its end.

    Attributes:
        seconds: that it may take.
        curve: of the best training so far; () ends none that is behind it.
        margin: how far behind a training may be, in the watched metric.
        seeing: seconds that encoders may take beside, to see all items for the first time; None gives them `seconds`.
    """

    seconds: float = math.inf
    curve: Curve = ()
    margin: float = 0.0
    seeing: float | None = None


NO_LIMITS = Limits()


class Guard:
    """A watcher that ends a training which leaves its limits.

    How fast it is shows from the first time on that it says how far it is: what comes before, and above all what a GPU
    loads for the first update, comes once.
    """

    def __init__(self, recipe: Recipe, limits: Limits) -> None:
        self._limits, self._total = limits, total_steps(recipe.training)
        self._begun = self._first = time.monotonic()
        self._best = -math.inf
        self._told: tuple[float, int] | None = None  # when it first said how far it is, and how many updates that were

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self._first = time.monotonic()
        elif isinstance(event, Progress):
            self._check_time(event.done)
        elif isinstance(event, Evaluated):
            self._check_time(event.step)
            self._check_value(event)

    def _check_time(self, step: int) -> None:
        now, limit = time.monotonic(), self._limits.seconds
        so_far, training = now - self._begun, now - self._first
        self._told = at, before = self._told or (now, step)
        has_rate = step > before
        step_seconds = (now - at) / (step - before) if has_rate else training / max(1, step)
        forecast = so_far + step_seconds * (self._total - step)
        is_hopeless = training > BELIEVED_AFTER and forecast > HOPELESS * limit
        is_late = forecast > limit and so_far > BELIEVED_SHARE * limit
        if so_far > limit or (has_rate and (is_hopeless or is_late)):
            raise TooSlowError(max(forecast, so_far))

    def _check_value(self, event: Evaluated) -> None:
        share = event.step / self._total
        value = float(event.values.get("value", -math.inf))
        self._best = max(self._best, value) if math.isfinite(value) else self._best
        needed = max((value for at, value in self._limits.curve if at <= share), default=-math.inf)
        if HALF_WAY <= share < 1 and self._best < needed - self._limits.margin:
            raise BehindError(share, self._best, needed)
