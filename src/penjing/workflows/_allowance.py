"""What the time of a treatment allows: how long a training may take, and how many of them a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from penjing.core.budget import LEAST_CLOSING_SECONDS, Clock
from penjing.core.errors import RunError
from penjing.core.split import FOLDS_WITHOUT_TEST
from penjing.core.units import show_seconds, typed_seconds
from penjing.workflows._simple import LEAST_SECONDS as FLOOR_SECONDS
from penjing.workflows._simple import MOST_SHARE as FLOOR_SHARE

MOST_STAGES = 3  # that get a verdict of their own
THOROUGH = 2.0  # times the seconds of a training that one may take, from which on every item is judged several times
USUAL_TURNS, MOST_TURNS = 3, 9  # in which folds judge every item
MOST_TIMES = 6  # the seeds that were asked for, where items apart judge
SURE_TIMES = 2  # the seeds that were asked for, with which an effect is told that the least of them leave open
SLACK = 1.1  # that trainings may take longer than the first one did
SURE_SLACK = 1.5  # the same once something looked good: its verdict goes before further remedies
GROWING_SLACK = 1.35  # and the new run, whose simple models come first
SCREENINGS = 3  # trainings that tell whether a remedy looks better, where they are cheap:
USUAL_TRIED, SCREENING_SHARE = 40, 0.25  # those of so many remedies take this share of the time at most
USUAL_PROMISING = 8  # remedies that look better with one seed, usually
SEEINGS = 2.5  # times that encoders see all items: for all trials, for the new run, and some seconds for the trainings
FOLLOWING_TURNS = 2  # for which a verdict leaves time where learning from validation items is tried after it
DRAWN = 4  # trainings of what is kept, with seeds of their own, that a verdict leaves time for once it is thorough
FORECAST_SLACK = 1.5  # and a training of today than what a record says


@dataclass
class Allowance:
    """The time of one treatment, and what of it is set aside for what.

    Attributes:
        clock: the whole of it.
        seeds: of each side of a pair, at least.
        growing: trainings of the new run; 0 where it has a time of its own.
        has_folds: whether folds of what is learned from judge; else items apart.
        reading_seconds: that reading the data takes.
        base_seconds: of one training without any remedy.
        has_steps: whether something looked good.
        seeing_seconds: that the encoders of what is kept so far take to see all items, as the new run does once more.
        owed_seconds: of trainings that a verdict needs beside those of its sides, and that are still to be made.
        draws_seeds: whether the new run has the best of several seeds, where there is time.
        is_followed: whether learning from validation items too is tried after the verdict, in folds.
        turns: how many times every item that judges does so, as planned; where time is left, more often.
    """

    clock: Clock
    seeds: int
    growing: int
    has_folds: bool
    reading_seconds: float = 0.0
    base_seconds: float = math.inf
    has_steps: bool = False
    seeing_seconds: float = 0.0
    owed_seconds: float = 0.0
    draws_seeds: bool = False
    is_followed: bool = False
    turns: int = field(default=0, init=False)
    _usual: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.turns = self._usual = self.least_turns

    def for_folds(self, folds: int, judged_on: str) -> Allowance:
        """The same where the new run has so many folds, if it is grown in this time, and other items judge."""
        return replace(self, growing=self._growing(folds), has_folds=judged_on == "folds")

    def grow(self, folds: int) -> None:
        """Set time aside for a new run with so many folds, if it is grown in this time."""
        self.growing = self._growing(folds)

    def _growing(self, folds: int) -> int:
        return 1 + folds if self.growing else 0

    @property
    def least_turns(self) -> int:
        """With which there are as many trainings a side as were asked for."""
        return 1 if self.has_folds else self.seeds

    @property
    def most_turns(self) -> int:
        """More than which are not made, however much time there is."""
        return MOST_TURNS if self.has_folds else MOST_TIMES * self.seeds

    @property
    def arm(self) -> int:
        """Trainings of one side of a verdict, as planned."""
        return self.turns * (self.seeds if self.has_folds else 1)

    def check(self, seconds: float) -> None:
        """Refuse at once where what a record says of one training shows that the time will not do by far.

        Raises:
            RunError: it will not; the message says what would.
        """
        if seconds > self.first():
            raise self.too_short(seconds)

    def first(self) -> float:
        """The most seconds that the training without any remedy may take."""
        return FORECAST_SLACK * max(0.0, self.clock.left - self._around()) / self._trainings()

    def begin(self, seconds: float) -> None:
        """Take down what that training took; where there is much time, folds judge every item several times.

        Raises:
            RunError: the time is not enough for one verdict.
        """
        self.base_seconds = seconds
        if self.longest() < seconds:
            raise self.too_short(seconds)
        if self.has_folds:
            self.turns = USUAL_TURNS
            if self.longest() <= THOROUGH * seconds:
                self.relax()
        self._usual = self.turns

    def longest(self) -> float:
        """The most seconds of a training with one more remedy, so that it can be looked at, judged and kept."""
        slack = SURE_SLACK if self.has_steps else SLACK
        left = self.clock.left - self._around() - slack * self.arm * self.base_seconds - self._owed()
        return left / (1 + slack * self.arm + GROWING_SLACK * self.growing)

    def screenings(self, seconds: float, tried: int = USUAL_TRIED) -> int:
        """How many trainings with seeds of their own tell whether something looks better, one of which takes so long:
        several where all of them take a small share of the time that there is.

        Args:
            tried: remedies that so many trainings tell it of.
        """
        left = self.until_growing(seconds) - 2 * SLACK * self.seeds * seconds
        return SCREENINGS if tried * (SCREENINGS - 1) * seconds <= SCREENING_SHARE * left else 1

    def longest_seeing(self) -> float:
        """The most seconds that encoders of one more remedy may take to see all items, so that the new run can do so
        too and there is time for the rest."""
        if math.isinf(self.base_seconds):  # they are the run's own
            return (self.clock.left - self._around()) / (2 if self.growing else 1)
        slack = SURE_SLACK if self.has_steps else SLACK
        left = self.clock.left - self._around() - slack * self.arm * self.base_seconds - self._owed()
        left -= (1 + slack * self.arm + GROWING_SLACK * self.growing) * self.base_seconds
        return left / (2 if self.growing else 1)

    def relax(self) -> None:
        """Let trainings take longer, and verdicts have no more of them than they must."""
        self.turns = self.least_turns

    def tighten(self) -> None:
        """Let verdicts have as many trainings as were planned once more."""
        self.turns = self._usual

    def until_growing(self, seconds: float) -> float:
        """Seconds that are left beside those that the new run needs, one training of which takes `seconds`."""
        return self.clock.left - self._around() - GROWING_SLACK * self.growing * seconds - self._owed()

    def for_later(self, turns: int, seconds: float) -> float:
        """Seconds that a verdict of so many turns leaves to what comes after it, one training of which takes `seconds`:
        none before it has as many turns as were planned."""
        if turns < self.turns:
            return 0.0
        folds = GROWING_SLACK * FOLDS_WITHOUT_TEST + SLACK * FOLLOWING_TURNS * 2 * self.seeds
        return (SLACK * DRAWN * self.draws_seeds + folds * self.is_followed) * seconds

    def until_judging(self, seconds: float) -> float:
        """Seconds that are left beside those of the least verdict on a recipe one training of which takes `seconds`,
        and of the new run."""
        return self.until_growing(seconds) - SLACK * self.seeds * (self.base_seconds + seconds)

    def _owed(self) -> float:
        """Seconds that trainings which are owed may take."""
        return SLACK * self.owed_seconds

    def stages(self, seconds: Sequence[float]) -> int:
        """How many stages there is time to judge, at least one.

        Args:
            seconds: of one training with each step that looked good; the last stage is all steps that are left.
        """
        left = self.until_growing(seconds[-1]) / (SLACK * self.arm) - self.base_seconds
        counts = range(2, min(MOST_STAGES, len(seconds)) + 1)
        return max((count for count in counts if sum(seconds[: count - 1]) + seconds[-1] <= left), default=1)

    def is_sure(self, seconds: Sequence[float]) -> bool:
        """Whether there is time to judge these stages with `SURE_TIMES` the trainings that were asked for.

        Args:
            seconds: of one training with each stage.
        """
        trainings = SURE_TIMES * self.seeds
        return self.until_growing(seconds[-1]) >= SLACK * trainings * (self.base_seconds + sum(seconds))

    def has_another_arm(self, seconds: float, telling: float = 0.0) -> bool:
        """Whether there is time to judge one more recipe, one training of which takes `seconds`.

        Args:
            telling: seconds that the verdict takes beside its trainings.
        """
        return self.until_growing(seconds) - telling >= SLACK * self.arm * seconds

    def too_short(self, seconds: float) -> RunError:
        """What is said where one training takes so long that there is no time for a verdict."""
        needed = self.clock.elapsed + self._around() + seconds * self._trainings()
        return RunError(
            f"one training takes {show_seconds(seconds)}, and a verdict needs {self.seeds} with a remedy and "
            f"without: give --time {typed_seconds(needed)} or more"
        )

    def seeing_too_short(self, seconds: float) -> RunError:
        """What is said where the run's own encoders take so long to see all items that there is no time for more."""
        needed = self.clock.elapsed + self._around() + SEEINGS * seconds
        return RunError(
            f"the pretrained encoder takes {show_seconds(seconds)} to see all items, which treat does twice: give "
            f"--time {typed_seconds(needed)} or more"
        )

    def _trainings(self) -> float:
        """What the least treatment takes: one training on either side to look at, a verdict, the new run."""
        return 2 + 2 * SLACK * self.arm + GROWING_SLACK * self.growing

    def _around(self) -> float:
        """Seconds of the new run beside its training."""
        if not self.growing:
            return 0.0
        floor = min(FLOOR_SECONDS * self.growing, max(FLOOR_SECONDS, FLOOR_SHARE * self.clock.limit_seconds))
        return self.reading_seconds + self.seeing_seconds + floor + LEAST_CLOSING_SECONDS
