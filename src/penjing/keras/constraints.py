"""`keras.constraints` on the torch backend: `from penjing.keras.constraints import MaxNorm`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("constraints")
