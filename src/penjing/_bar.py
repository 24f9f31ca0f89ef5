"""The plain progress bar: which stage it shows and when, wherever it is drawn; and what `watch` means from Python."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from penjing.core.errors import UsageError
from penjing.core.events import Evaluated, Event, Finished, Progress, Started, Warned, Watch

SHOWN_AFTER_SECONDS = 1.0

# What the verbs take: a function of one event, None for silence, "bar", or several of these.
WatchWish = Watch | Literal["bar"] | Sequence[Watch | Literal["bar"]]


@dataclass
class Stage:
    """A stage at work.

    Attributes:
        name: in a person's words.
        total: how many units it will take, or None when that is not known.
        unit: what is counted.
        done: how many units are finished.
        note: a short live remark.
        begun: the moment it began, of `time.monotonic`.
    """

    name: str
    total: int | None
    unit: str = ""
    done: int = 0
    note: str = ""
    begun: float = field(default_factory=time.monotonic)


@runtime_checkable
class Drawing(Protocol):
    """Where a bar is drawn: a terminal or a notebook."""

    def say(self, text: str) -> None:
        """Show a sentence that stays."""

    def draw(self, stage: Stage) -> None:
        """Show a stage as it stands now."""

    def clear(self) -> None:
        """Take the bar away, if there is one."""


class Bar:
    """A `watch` that draws a bar for a stage that takes a moment, and says warnings.

    A timer draws it, so that a stage which tells nothing of its progress is seen to be at work too. Use it as a context
    manager: however the work ends, no bar is left behind.
    """

    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._stage: Stage | None = None
        self._timer: threading.Timer | None = None
        self._is_shown = False
        self._lock = threading.RLock()

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, kind: object, problem: object, at: object) -> None:
        self.end()

    def __call__(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, Warned):
                self._drawing.say(f"note: {event.message}")
            elif isinstance(event, Started):
                self._begin(Stage(event.stage, event.total, event.unit))
            elif isinstance(event, Finished):
                self.end()
            elif self._stage is not None:
                self._change(self._stage, event)
                self._draw()

    def end(self) -> None:
        """Take the bar away; the stage is over."""
        with self._lock:
            self._stage, self._is_shown = None, False
            if self._timer is not None:
                self._timer.cancel()
            self._drawing.clear()

    def _begin(self, stage: Stage) -> None:
        self.end()
        self._stage = stage
        self._timer = threading.Timer(SHOWN_AFTER_SECONDS, self._show, [stage])
        self._timer.daemon = True
        self._timer.start()

    def _show(self, stage: Stage) -> None:
        with self._lock:
            if self._stage is stage:  # not that of a timer which was too late to be cancelled
                self._is_shown = True
                self._draw()

    def _draw(self) -> None:
        if self._is_shown and self._stage is not None:
            self._drawing.draw(self._stage)

    @staticmethod
    def _change(stage: Stage, event: Event) -> None:
        if isinstance(event, Progress):
            stage.done, stage.note = event.done, event.note or stage.note
            stage.total = event.total or stage.total
        elif isinstance(event, Evaluated):
            valid = [(name, value) for name, value in event.values.items() if name.startswith("valid/")]
            stage.done = event.step
            stage.note = "".join(f"{name.replace('/', ' ').replace('_', ' ')} {value:.3f}" for name, value in valid[:1])


def watching(wish: WatchWish) -> AbstractContextManager[Watch]:
    """The `watch` of one verb, for as long as it works; nothing of it is left behind.

    Args:
        wish: a function of one event; None for silence; "bar" for a bar in a notebook, or on the error stream where
            that is a terminal, and for silence elsewhere; several of these in a list. One that can be closed is closed.

    Raises:
        UsageError: it is something else.
    """
    if isinstance(wish, list | tuple):
        return _all(wish)
    if wish is None or callable(wish):
        return _closing(wish)
    if wish != "bar":
        raise UsageError(f'watch={wish!r} cannot be told; give a function of one event, None for silence, or "bar"')
    if _is_notebook():
        from penjing._notebook import Notebook

        return Bar(Notebook())
    if sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from penjing._screen import Terminal, error_stream

        return Bar(Terminal(error_stream()))
    return nullcontext(None)


@contextmanager
def _all(wishes: Sequence[Watch | Literal["bar"]]) -> Iterator[Watch]:
    """Every one of them is told of every event."""
    with ExitStack() as stack:
        told = [one for one in [stack.enter_context(watching(wish)) for wish in wishes] if one is not None]

        def tell_all(event: Event) -> None:
            for one in told:
                one(event)

        yield tell_all if told else None


@contextmanager
def _closing(watch: Watch) -> Iterator[Watch]:
    """A function that is told; however the work ends, it lets go of what it holds open."""
    try:
        yield watch
    finally:
        close = getattr(watch, "close", None)
        if callable(close):
            close()


def _is_notebook() -> bool:
    """Whether a Jupyter kernel runs this; IPython is not imported for it."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None and hasattr(module, "get_ipython") else None
    return getattr(shell, "kernel", None) is not None
