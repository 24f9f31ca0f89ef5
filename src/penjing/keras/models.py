"""`keras.models` on the torch backend: `from penjing.keras.models import Sequential`."""

from __future__ import annotations

from typing import Any

from penjing.keras import library


def __getattr__(name: str) -> Any:
    return getattr(library().models, name)
