"""Draws what the core says while it works: sentences and progress bars, on the error stream.

Bars appear only in a terminal, and only for stages that take a moment; piped output stays clean.
"""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from penjing._bar import Bar, Stage
from penjing.core.events import Decided, Event, Said, Warned


class ErrorStream(Console):
    """The error stream; when nobody reads it any more, the work goes on in silence."""

    def on_broken_pipe(self) -> None:
        """Say nothing from here on."""
        self.quiet = True


def error_stream() -> Console:
    """Where everything but results is drawn."""
    return ErrorStream(stderr=True, emoji=False)


class Terminal:
    """Draws one bar at the foot of a terminal, below what is said meanwhile, and takes it away again."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bars: Progress | None = None
        self._task = TaskID(0)

    def say(self, text: str) -> None:
        """Print a sentence, wrapped where a terminal is narrow."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=not self.console.is_terminal)

    def draw(self, stage: Stage) -> None:
        """Show a stage as it stands now."""
        if self._bars is None:
            self._bars = Progress(*_columns(stage), console=self.console, transient=True)
            self._task = self._bars.add_task(stage.name, total=stage.total, completed=stage.done, note=stage.note)
            self._bars.start()
        self._bars.update(self._task, completed=stage.done, total=stage.total, note=stage.note)

    def clear(self) -> None:
        """Take the bar away."""
        bars, self._bars = self._bars, None
        if bars is not None:
            bars.stop()


class Screen:
    """The `watch` of the command line; use it as a context manager so that no bar is left behind.

    Args:
        console: where to draw; the error stream.
        is_quiet: draw warnings only.
    """

    def __init__(self, console: Console, is_quiet: bool = False) -> None:
        self.is_quiet = is_quiet
        self._terminal = Terminal(console)
        # Asked of the stream itself: FORCE_COLOR makes a console call a pipe a terminal.
        can_draw = console.file.isatty() and not console.is_dumb_terminal
        self._bar = Bar(self._terminal) if can_draw and not is_quiet else None

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, kind: object, problem: object, at: object) -> None:
        if self._bar is not None:
            self._bar.end()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Said | Decided) and not self.is_quiet:
            said = event.message if isinstance(event, Said) else f"{event.what}: {event.choice} ({event.why})"
            self._terminal.say(said)
        elif self._bar is not None:
            self._bar(event)
        elif isinstance(event, Warned):
            self._terminal.say(f"note: {event.message}")


def _columns(stage: Stage) -> list[ProgressColumn]:
    """What a bar shows: how much is left where that is known, else for how long it has worked."""
    known: list[ProgressColumn] = [BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    unknown: list[ProgressColumn] = [BarColumn(), TimeElapsedColumn()]
    middle = known if stage.total is not None else unknown
    return [TextColumn("{task.description}"), *middle, TextColumn("{task.fields[note]}")]
