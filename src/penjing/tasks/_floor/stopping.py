"""Ends a search in a thread of its own, which nothing can end from outside: Ctrl-C reaches the main thread alone.

Such a search looks, before every piece of its work, whether it is still wanted. Elsewhere looking changes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_mine = threading.local()


class StoppedError(Exception):
    """The search is not wanted any more."""


@contextmanager
def ended_by(stop: threading.Event) -> Iterator[None]:
    """The work of this thread in here ends soon after `stop` is set.

    Raises:
        StoppedError: it was.
    """
    _mine.stop = stop
    try:
        yield
    finally:
        del _mine.stop


def look() -> None:
    """Go on only if this thread's work is still wanted.

    Raises:
        StoppedError: it is not.
    """
    stop: threading.Event | None = getattr(_mine, "stop", None)
    if stop is not None and stop.is_set():
        raise StoppedError
