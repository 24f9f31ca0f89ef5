"""`keras.saving` on the torch backend: `from penjing.keras.saving import load_model`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("saving")
