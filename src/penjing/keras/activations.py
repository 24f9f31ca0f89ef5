"""`keras.activations` on the torch backend: `from penjing.keras.activations import relu`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("activations")
