"""`keras.backend` on the torch backend: `from penjing.keras.backend import image_data_format`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("backend")
