"""`keras.preprocessing` on the torch backend: `from penjing.keras.preprocessing import sequence`."""

from __future__ import annotations

from typing import Any

from penjing.keras import library


def __getattr__(name: str) -> Any:
    return getattr(library().preprocessing, name)
