"""`keras.datasets` on the torch backend: `from penjing.keras.datasets import mnist`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("datasets")
