"""Draws what the core says while it works: sentences and progress bars, on the error stream.

Bars appear only in a terminal, and only for stages that take a moment; piped output stays clean.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from penjing.core.events import Decided, Evaluated, Event, Finished, Said, Started, Warned
from penjing.core.events import Progress as Advanced

if TYPE_CHECKING:
    from penjing.workflows.open_seal import Tested

SHOWN_AFTER_SECONDS = 1.0


class ErrorStream(Console):
    """The error stream; when nobody reads it any more, the work goes on in silence."""

    def on_broken_pipe(self) -> None:
        """Say nothing from here on."""
        self.quiet = True


def error_stream() -> Console:
    """Where everything but results is drawn."""
    return ErrorStream(stderr=True, emoji=False)


class Screen:
    """A `watch` that draws; use it as a context manager so that no bar is left behind.

    Args:
        console: where to draw; the error stream.
        is_quiet: draw warnings only.
    """

    def __init__(self, console: Console, is_quiet: bool = False) -> None:
        self.console, self.is_quiet = console, is_quiet
        self._bars: Progress | None = None
        self._task: TaskID | None = None
        self._stage: Started | None = None
        self._begun = 0.0

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, kind: object, problem: object, at: object) -> None:
        self._end()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Warned):
            self._say(f"note: {event.message}")
        elif self.is_quiet:
            return
        elif isinstance(event, Said):
            self._say(event.message)
        elif isinstance(event, Decided):
            self._say(f"{event.what}: {event.choice} ({event.why})")
        elif isinstance(event, Started):
            self._end()
            self._stage, self._begun = event, time.monotonic()
        elif isinstance(event, Advanced):
            self._advance(event)
        elif isinstance(event, Evaluated):
            self._evaluated(event)
        elif isinstance(event, Finished):
            self._end()

    def _say(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=not self.console.is_terminal)

    def _advance(self, event: Advanced) -> None:
        stage = self._stage
        if stage is None or not self.console.is_terminal or time.monotonic() - self._begun < SHOWN_AFTER_SECONDS:
            return
        if self._bars is None:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bars = Progress(*columns, TextColumn("{task.fields[note]}"), console=self.console, transient=True)
            self._bars.start()
            self._task = self._bars.add_task(stage.stage, total=stage.total, note="")
        assert self._task is not None, "a bar is started together with its task"
        self._bars.update(self._task, completed=event.done)
        if event.note:
            self._bars.update(self._task, note=event.note)

    def _evaluated(self, event: Evaluated) -> None:
        if self._bars is None or self._task is None:
            return
        shown = [f"{name} {value:.3f}" for name, value in event.values.items() if name.startswith("valid/")]
        self._bars.update(self._task, completed=event.step, note="  ".join(shown[:1]))

    def _end(self) -> None:
        if self._bars is not None:
            self._bars.stop()
        self._bars, self._task, self._stage = None, None, None


def tested_lines(tested: Tested) -> list[str]:
    """What opening the seal says: scores, the floor beside them, and what makes them less honest."""
    floor = "".join(f"   {name.replace('_', ' ')} {score.value:.3f}" for name, score in tested.floor.items())
    lines = [f"test  {tested.scores[0].metric} {tested.scores[0]}{floor}"]
    lines += [f"      {score.metric} {score}" for score in tested.scores[1:]]
    lines.append(f"{tested.scores[0].n} sealed items; opening {tested.opening} of this test part")
    if tested.leaked:
        lines.append(
            f"{tested.leaked} test items are near-duplicates of training items; without them: {tested.without_leaked}"
        )
    return lines
