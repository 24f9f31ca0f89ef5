"""Seconds, bytes and points as people write them: "5m", "100KB", "1pt"."""

from __future__ import annotations

import math
import re

from penjing.core.errors import UsageError

_SECONDS = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
# kB is 1,000 bytes and KiB 1,024, as SI and IEC have it.
_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)")


def seconds(given: str | float) -> float:
    """Seconds from "90", "90s", "5m", "1h30m" or a number.

    Raises:
        UsageError: it is not a positive duration.
    """
    if isinstance(given, int | float) and not isinstance(given, bool):
        total = float(given)
    else:
        text = str(given).strip().lower()
        parts = _PART.findall(text)
        if not parts or "".join(text.split()) != "".join(number + unit for number, unit in parts):
            raise UsageError(f'"{given}" is not a duration; write it like 90s, 5m or 1h30m')
        unknown = [unit for _, unit in parts if unit and unit not in _SECONDS]
        if unknown:
            raise UsageError(f'"{given}" is not a duration: unit "{unknown[0]}" is not one of s, m, h, d')
        total = sum(float(number) * _SECONDS[unit or "s"] for number, unit in parts)
    if not 0 < total < float("inf"):
        raise UsageError(f'"{given}" is not a duration above zero; write it like 90s, 5m or 1h30m')
    return total


def size_bytes(given: str | int) -> int:
    """Bytes from "100KB" (100,000), "100KiB" (102,400) or a number.

    Raises:
        UsageError: it is not a positive size.
    """
    if isinstance(given, int) and not isinstance(given, bool):
        total = given
    else:
        match = _PART.fullmatch(str(given).strip())
        unit = (match.group(2).lower() or "b") if match else ""
        if match is None or unit not in _BYTES:
            raise UsageError(f'"{given}" is not a size; write it like 100KB, 2MB or 1GiB')
        total = int(float(match.group(1)) * _BYTES[unit])
    if total <= 0:
        raise UsageError(f'"{given}" is not a size above zero; write it like 100KB, 2MB or 1GiB')
    return total


def show_seconds(value: float) -> str:
    """A duration for people: "0.4 s", "42 s", "3 min 05 s", "2 h 10 min"."""
    if value < 10:
        return f"{value:.1f} s"
    if round(value) < 60:
        return f"{value:.0f} s"
    if round(value) < 3600:
        minutes, rest = divmod(round(value), 60)
        return f"{minutes} min {rest:02d} s"
    hours, rest = divmod(round(value / 60), 60)
    return f"{hours} h {rest:02d} min"


def typed_seconds(value: float) -> str:
    """A duration that is no shorter, as people type it: "90s", "5m", "2h"."""
    if value < 100:
        return f"{10 * math.ceil(value / 10)}s"
    if value < 6000:
        return f"{math.ceil(value / 60)}m"
    return f"{math.ceil(value / 3600)}h"


def show_bytes(value: float) -> str:
    """A size for people, in powers of 1,000: "512 B", "1.3 kB", "24 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" or value >= 9.95 else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("unreachable")
