"""`keras.preprocessing` on the torch backend: `from penjing.keras.preprocessing import sequence`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("preprocessing")
