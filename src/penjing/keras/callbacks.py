"""`keras.callbacks` on the torch backend: `from penjing.keras.callbacks import EarlyStopping`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("callbacks")
