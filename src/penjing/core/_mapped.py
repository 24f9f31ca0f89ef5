"""Arrays in files, of which only some are open at once, however many there are. Used by `core/cache.py` only.

A mapped file takes one of the handles that the system lets a process have, often 1,024 and on a Mac 256. The files that
were used least recently are closed, and opened again when they are read again. Where all fit, none is closed, and what
is in them can be read even after somebody removed them.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from penjing.core.errors import RunError

HANDLES_SHARE = 1 / 4  # of the handles of this process that mapped files may take
USUAL_HANDLES, MOST_OPEN = 1024, 4096  # where the system does not say how many there are, and where it has no limit

_lock = Lock()
_recent: OrderedDict[int, weakref.ref[Mapped]] = OrderedDict()  # the open ones, the least recently used first


class Mapped:
    """An array in a .npy file.

    Args:
        path: of the file.

    Attributes:
        path: of the file.
        shape: of the array.
        dtype: of its values.

    Raises:
        OSError, ValueError: there is no such file now, or it holds no whole array.
    """

    def __init__(self, path: Path) -> None:
        found = _opened(path)
        self.path, self.shape, self.dtype = path, found.shape, found.dtype
        self._array: np.ndarray | None = None

    def __len__(self) -> int:
        return int(self.shape[0])

    @property
    def array(self) -> np.ndarray:
        """The array, which stays open as long as the caller has it; another file may be closed for it.

        Raises:
            RunError: the file is gone, or was changed.
        """
        with _lock:
            if self._array is None:
                self._array = self._again()
            _recent[id(self)] = weakref.ref(self)
            _recent.move_to_end(id(self))
            while len(_recent) > most_open():
                last = _recent.popitem(last=False)[1]()
                if last is not None:
                    last._array = None
            return self._array

    def _again(self) -> np.ndarray:
        try:
            found = _opened(self.path)
            if (found.shape, found.dtype) != (self.shape, self.dtype):
                raise ValueError("it was changed")
        except (OSError, ValueError) as problem:
            raise RunError(
                f"{self.path} cannot be read any more ({problem}); where the cache was cleared meanwhile, run the "
                "command again, and it is filled again"
            ) from problem
        return found


def array_of(one: np.ndarray | Mapped) -> np.ndarray:
    """The array itself, whether it is in memory or in a file."""
    return one.array if isinstance(one, Mapped) else one


@lru_cache(1)
def most_open() -> int:
    """How many files are open at once at most."""
    try:
        import resource  # there is none on Windows
    except ImportError:
        return int(HANDLES_SHARE * USUAL_HANDLES)
    handles = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if handles == resource.RLIM_INFINITY:
        return MOST_OPEN
    return max(1, min(int(HANDLES_SHARE * handles), MOST_OPEN))


def _opened(path: Path) -> np.ndarray:
    return np.asarray(np.load(path, mmap_mode="r"))
