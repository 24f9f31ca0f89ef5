"""`keras.models` on the torch backend: `from penjing.keras.models import Sequential`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("models")
