"""What can go wrong, as one tree.

    PenjingError              exit 1
    ├── UsageError            exit 2   the command or a setting is not what it can be
    ├── DataError             exit 1   the data cannot be used as they are
    ├── RunError              exit 1   a run folder cannot be read, continued or written
    ├── MissingExtra          exit 1   an optional package is needed and not installed
    └── TargetMissed          exit 3   a stated budget or target was not met; carries the best result

Every message says what was given, what was expected and what to do. A person never meets a traceback
for one of these: the command line prints the message and exits with `exit_code`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PenjingError(Exception):
    """The base of everything penjing raises on purpose."""

    exit_code = 1


class UsageError(PenjingError):
    """The command, an argument or a setting is not one of those that exist."""

    exit_code = 2


class DataError(PenjingError):
    """The data cannot be used as they are; the message names the item and the repair."""


class RunError(PenjingError):
    """A run folder cannot be read, continued or written."""


class MissingExtra(PenjingError):  # noqa: N818 - the name says what is missing
    """An optional package is needed and not installed.

    Args:
        package: the package that could not be imported, such as "onnxruntime".
        extra: the extra of penjing that brings it, such as "onnx".
        purpose: what it is needed for, to end the sentence "… is needed to".
        install: the line that installs it, where that is not the extra.
    """

    def __init__(self, package: str, extra: str, purpose: str, install: str = "") -> None:
        self.package, self.extra = package, extra
        line = install or f"pip install 'penjing[{extra}]'"
        super().__init__(f"{package} is needed to {purpose}; install it with: {line}")


class TargetMissed(PenjingError):  # noqa: N818 - a missed target is a result, not a fault
    """A stated budget or target was not met.

    Attributes:
        best: the best result there is, or None.
    """

    exit_code = 3

    def __init__(self, message: str, best: object = None) -> None:
        self.best = best
        super().__init__(message)


def is_of_memory(problem: Exception) -> bool:
    """Whether something failed because the memory was not enough, which torch says in words alone."""
    text = str(problem).lower()
    return isinstance(problem, MemoryError) or "alloc" in text or "out of memory" in text


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """The hint that ends an error about a name.

    Args:
        given: the name a person typed.
        known: the names that exist.

    Returns:
        'did you mean "cnn"?' for a near miss, else 'known: cnn, mlp'; at most ten names are listed.
    """
    names = sorted(known)
    close = difflib.get_close_matches(given.lower(), [name.lower() for name in names], n=1, cutoff=0.6)
    if close:
        match = next(name for name in names if name.lower() == close[0])
        return f'did you mean "{match}"?'
    if not names:
        return "there are none"
    return "known: " + ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
