"""Draws a bar below the cell of a notebook. HTML only, so it needs no widgets."""

from __future__ import annotations

import html
import importlib
import time
from typing import Any

from penjing._bar import Stage
from penjing.core.units import show_seconds

REDRAWN_AFTER_SECONDS = 0.2
NOTHING = {"text/html": "", "text/plain": ""}


class Notebook:
    """One bar that is drawn over and over in its place, and emptied at the end."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._drawn = 0.0

    def say(self, text: str) -> None:
        """Show a sentence that stays."""
        _display({"text/plain": text})

    def draw(self, stage: Stage) -> None:
        """Show a stage as it stands now."""
        if time.monotonic() - self._drawn < REDRAWN_AFTER_SECONDS:
            return
        self._drawn = time.monotonic()
        words = _words(stage, self._drawn - stage.begun)
        size = "" if stage.total is None else f' value="{stage.done}" max="{stage.total}"'
        bar = f"{html.escape(stage.name)} <progress{size}></progress> {html.escape(words)}"
        shown = {"text/html": bar, "text/plain": f"{stage.name}: {words}"}
        if self._handle is None:
            self._handle = _display(shown, display_id=True)
        else:
            self._handle.update(shown, raw=True)

    def clear(self) -> None:
        """Empty the bar's place."""
        if self._handle is not None and self._drawn:
            self._handle.update(NOTHING, raw=True)
        self._drawn = 0.0


def _words(stage: Stage, seconds: float) -> str:
    """How far a stage is: "50 of 400 steps, 12 s left, valid accuracy 0.912"."""
    if stage.total is None:
        parts = [f"for {show_seconds(seconds)}"]
    else:
        parts = [f"{stage.done:,} of {stage.total:,} {stage.unit}".rstrip()]
        if stage.done:
            parts.append(f"{show_seconds(seconds * max(0, stage.total - stage.done) / stage.done)} left")
    return ", ".join([*parts, *filter(None, [stage.note])])


def _display(bundle: dict[str, str], **wishes: Any) -> Any:
    # A kernel always has IPython; penjing itself does not ask for it.
    return importlib.import_module("IPython.display").display(bundle, raw=True, **wishes)
