"""`keras.metrics` on the torch backend: `from penjing.keras.metrics import AUC`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("metrics")
