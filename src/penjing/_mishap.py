"""What nobody foresaw, as one sentence: a full memory, a disk that refuses, a name that is no text, or a bug with its
traceback in a file."""

from __future__ import annotations

import errno
import os
import shlex
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from penjing import __version__
from penjing.core.damage import damage
from penjing.core.errors import is_of_memory
from penjing.core.files import is_there

# What a computer refuses to anybody's program, and no program can mend.
_OF_THE_COMPUTER = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENAMETOOLONG, errno.ELOOP),
}
_OF_A_GPU = ("cuda", "cublas", "cudnn", "mps backend")  # in what torch says of it


def sentence(problem: Exception, words: Sequence[str]) -> str:
    """What a person is told of an unexpected error.

    Args:
        problem: what was raised.
        words: the command, as it was typed.
    """
    if isinstance(problem, MemoryError | RuntimeError) and is_of_memory(problem):
        return _of_memory(problem)
    if isinstance(problem, OSError) and problem.errno in _OF_THE_COMPUTER:
        if problem.filename is None:
            return f"the output cannot be written: {problem.strerror}"
        return f"{problem.filename}: {problem.strerror}; check the disk and the permissions"
    unreadable = name_that_is_no_text(words) if isinstance(problem, UnicodeEncodeError) else None
    if unreadable is not None:
        return unreadable
    damaged = next(filter(None, map(damage, _folders(words))), None)
    if damaged is not None:
        return damaged
    what = " ".join(f"{type(problem).__name__}: {problem}".split())
    place = _keep(problem, words)
    where = f"; please report it with {place}, which holds the command and what happened" if place else ""
    return f"this is a bug in penjing ({what[:200]}){where}"


def name_that_is_no_text(words: Sequence[str]) -> str | None:
    """What a person is told of a name whose bytes are no text in this locale; None where every word is text.

    Python carries such bytes along as lone surrogates, which polars refuses in the name of a file.
    """
    bad = next((word for word in words if any("\udc80" <= letter <= "\udcff" for letter in word)), None)
    if bad is None:
        return None
    encoding = sys.getfilesystemencoding()
    repair = "rename it" if encoding == "utf-8" else "set LC_ALL=C.UTF-8, or PYTHONUTF8=1, and run this again"
    return f"the name {os.fsencode(bad).decode('utf-8', 'backslashreplace')} is no text in {encoding}; {repair}"


def _folders(words: Sequence[str]) -> list[Path]:
    """The folders that the command names; of a run folder that is damaged, reading fails in many ways."""
    named = [word for word in words if word and not word.startswith("-")]
    return [Path(word) for word in named if is_there(word) and Path(word).is_dir()]


def _of_memory(problem: Exception) -> str:
    """What a person is told of a full memory: torch names whose it is in words alone."""
    text = f"{problem} {problem.__cause__ or ''}".lower()
    if any(word in text for word in _OF_A_GPU):
        return (
            "the memory of the GPU is full; close other programs that use it, or train with smaller batches (fit --set "
            "training.batch_size=16) or on the processor (fit --device cpu)"
        )
    return "the memory of this computer is full; close other programs, or give a smaller --side"


def _keep(problem: Exception, words: Sequence[str]) -> Path | None:
    """Write the traceback into a file of its own; None where not even that is possible."""
    text = "".join(traceback.format_exception(problem))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="penjing-bug-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(f"penjing {__version__}\n$ penjing {shlex.join(words)}\n\n{text}")
    except OSError:
        return None
    return Path(file.name)
