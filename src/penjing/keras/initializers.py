"""`keras.initializers` on the torch backend: `from penjing.keras.initializers import HeNormal`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("initializers")
