"""`keras.applications` on the torch backend: `from penjing.keras.applications import MobileNetV2`."""

from __future__ import annotations

from penjing.keras._names import names_of

__getattr__ = names_of("applications")
