"""Process-wide settings that make training faster. Importing penjing changes none of them; the command line does."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
from collections.abc import MutableMapping

# glibc's mallopt parameters; see malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def tune_process(environment: MutableMapping[str, str] | None = None) -> bool:
    """Settings for this process that training profits from; call it before torch is imported.

    Idle OpenMP threads sleep instead of spinning, which matters on a busy machine, and glibc keeps freed memory
    instead of handing it back after every step, which saves thousands of page faults a step. The second needs
    Linux with glibc; elsewhere it is left out.

    Args:
        environment: where the OpenMP settings are written, default `os.environ`. What a person set is kept.

    Returns:
        Whether the allocator could be tuned.
    """
    target = os.environ if environment is None else environment
    target.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    target.setdefault("GOMP_SPINCOUNT", "0")
    return _keep_freed_memory()


def usable_cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _keep_freed_memory() -> bool:
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))
    return False
