"""One process at a time writes into a run's folder: a lock of the operating system, which ends with the process."""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from penjing.core.errors import RunError
from penjing.core.files import disk_error

NAME = ".lock"
_BUSY = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)

if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _unlock(file: BinaryIO) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other processes from writing a run into a folder.

    The file of the lock stays there, empty; what holds it is the open file, so nothing is left of a process that was
    killed. File systems that know no locks are written to without one.

    Raises:
        RunError: another process holds the folder, or it cannot be written.
    """
    path = folder / NAME
    try:
        file = path.open("ab")
    except OSError as problem:
        raise disk_error(problem, path) from problem
    with file:
        try:
            _lock(file)
        except OSError as problem:
            if problem.errno in _BUSY:
                raise RunError(
                    f"another process writes into {folder} at this moment; wait until it has ended, or stop it first"
                ) from problem
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # closing it would do, but on Windows only after a while
                _unlock(file)
