"""`keras.ops` on the torch backend: `from penjing.keras.ops import softmax`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("ops")
