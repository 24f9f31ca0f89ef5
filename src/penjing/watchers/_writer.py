"""What every writer does: evaluations are written, decisions noted, and a stage's end closes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from penjing.core.events import Decided, Evaluated, Event, Finished, Started

UPDATES = "steps"  # the unit of a stage that is one training


class Writer(ABC):
    """A `watch` that keeps evaluations; also a context manager that closes at its end.

    One fit may tell of several trainings, such as a head before a network, or one for each fold.

    Attributes:
        training: which training is told of, counted from 1.
    """

    training = 1
    _last_step: int | None = None  # of this training; None before its first evaluation
    _begins = False  # whether a training began since the last evaluation

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self._begins = self._begins or event.unit == UPDATES
        elif isinstance(event, Evaluated):
            self._count(event.step)
            numbers = {name: float(value) for name, value in event.values.items() if name != "step"}
            self.write(event.step, {name: value for name, value in numbers.items() if value == value})
        elif isinstance(event, Decided):
            self.note(event.what, event.choice)
        elif isinstance(event, Finished):
            self.close()

    def _count(self, step: int) -> None:
        """Notice whether an evaluation is another training's: one began, or the steps begin again."""
        if self._last_step is not None and (self._begins or step <= self._last_step):
            self.training += 1
        self._last_step, self._begins = step, False

    @property
    def prefix(self) -> str:
        """What stands before the names of values where curves would lie over one another: "" for the first training."""
        return "" if self.training == 1 else f"training_{self.training}/"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def write(self, step: int, values: dict[str, float]) -> None:
        """Keep what was measured at a step; what is not a number is left out."""

    def note(self, what: str, choice: str) -> None:  # noqa: B027 - a curve has no place for choices
        """Keep what was decided."""

    @abstractmethod
    def close(self) -> None:
        """Let go of whatever is open; writing again opens it again."""
