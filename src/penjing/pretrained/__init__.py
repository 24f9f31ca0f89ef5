"""Frozen encoders that were trained elsewhere: features for data sets that are too small to learn their own."""

from __future__ import annotations

from typing import Any

from penjing.core import plugins
from penjing.core.recipe import Choice


def modalities(encoder: Any) -> tuple[str, ...]:
    """What an encoder reads."""
    found = encoder.MODALITY
    return (found,) if isinstance(found, str) else tuple(found)


def preferred(choice: Choice) -> Choice:
    """An encoder as it is used best; its own settings go before."""
    usual = getattr(plugins.load("pretrained", choice.name), "PREFERRED", {})
    return Choice(choice.name, {**usual, **choice.settings})


def installed(modality: str) -> Choice | None:
    """The first encoder of a modality whose weights are on this machine, as it is used best; None without one."""
    for name in plugins.names("pretrained"):
        encoder = plugins.load("pretrained", name)
        if hasattr(encoder, "INSTALL") and modality in modalities(encoder) and encoder.is_available():
            return preferred(Choice(name))
    return None
