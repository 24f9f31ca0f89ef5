"""What every writer does: evaluations are written, decisions noted, and a stage's end closes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from penjing.core.events import Decided, Evaluated, Event, Finished


class Writer(ABC):
    """A `watch` that keeps evaluations; also a context manager that closes at its end."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, Evaluated):
            numbers = {name: float(value) for name, value in event.values.items() if name != "step"}
            self.write(event.step, {name: value for name, value in numbers.items() if value == value})
        elif isinstance(event, Decided):
            self.note(event.what, event.choice)
        elif isinstance(event, Finished):
            self.close()

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
