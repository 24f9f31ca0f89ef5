"""`keras.utils` on the torch backend: `from penjing.keras.utils import to_categorical`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("utils")
