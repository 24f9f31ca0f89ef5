"""`keras.optimizers` on the torch backend: `from penjing.keras.optimizers import Adam`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("optimizers")
