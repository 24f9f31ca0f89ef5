"""`keras.losses` on the torch backend: `from penjing.keras.losses import CategoricalCrossentropy`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("losses")
