"""Process-wide settings that make training faster. Importing penjing changes none of them; the command line does."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import platform
from collections.abc import MutableMapping
from pathlib import Path

# glibc's mallopt parameters; see malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
# How threads of OpenMP wait. Rounds that one of GNU OpenMP (torch on Linux) spins before it sleeps, some 30 µs; other
# kinds know the policy alone.
WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"}
_AS_IT_IS, _KEEPS = "as the system has it", "keeps freed memory"
_allocator = {"is": _AS_IT_IS}  # of this process
# Microseconds of processor time that a container may take of each period, and that period, by the kernel's two ways.
QUOTAS = (
    ("/sys/fs/cgroup/cpu.max",),
    ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
)


def tune_process(environment: MutableMapping[str, str] | None = None) -> bool:
    """Settings for this process that training profits from; call it before torch is imported.

    Idle OpenMP threads spin for a moment and then sleep: ones that sleep at once must be woken for every operation,
    which takes longer than most operations of a small network do, and ones that spin on take the cores away from each
    other where anything else runs (`bench/spinning.py`). glibc keeps freed memory instead of handing it back after
    every step, which saves thousands of page faults a step; that needs Linux with glibc, elsewhere it is left out.

    Args:
        environment: where the OpenMP settings are written, default `os.environ`. Where a person set one, theirs count.

    Returns:
        Whether the allocator could be tuned.
    """
    target = os.environ if environment is None else environment
    if not target.keys() & set(WAITING):
        target.update(WAITING)
    is_tuned = _keep_freed_memory()
    if is_tuned:
        _allocator["is"] = _KEEPS
    return is_tuned


def allocator() -> str:
    """What `tune_process` set of this process's allocator, or that it is as the system has it."""
    return _allocator["is"]


def usable_cores() -> int:
    """How many processor cores this process may use: those it may run on, as far as its container's share of time
    fills them."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(there, _filled_cores(there))


def _filled_cores(there: int) -> int:
    """How many cores the processor time of a Linux container fills, at least one; `there` where nothing limits it."""
    for files in QUOTAS:
        with contextlib.suppress(OSError, ValueError):  # no such file, or no limit ("max")
            quota, period = (int(word) for file in files for word in Path(file).read_text(encoding="ascii").split())
            if quota > 0 and period > 0:  # −1 is no limit either
                return math.ceil(quota / period)
    return there


def _keep_freed_memory() -> bool:
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))
    return False
