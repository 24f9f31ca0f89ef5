"""`keras.utils` on the torch backend: `from penjing.keras.utils import to_categorical`."""

from __future__ import annotations

from typing import Any

from penjing.keras import library


def __getattr__(name: str) -> Any:
    return getattr(library().utils, name)
