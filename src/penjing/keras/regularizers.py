"""`keras.regularizers` on the torch backend: `from penjing.keras.regularizers import l2`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("regularizers")
