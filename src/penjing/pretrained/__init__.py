"""Frozen encoders that were trained elsewhere: features for data sets that are too small to learn their own."""

from __future__ import annotations

from typing import Any

from penjing.core import plugins
from penjing.core.recipe import Choice
from penjing.pretrained import _own


def modalities(encoder: Any) -> tuple[str, ...]:
    """What an encoder can read."""
    found = encoder.MODALITY
    return (found,) if isinstance(found, str) else tuple(found)


def reads(choice: Choice) -> tuple[str, ...]:
    """What an encoder reads, as it is chosen: a library of many networks reads what its weights were made for."""
    encoder = plugins.load("pretrained", choice.name)
    if not hasattr(encoder, "reads"):
        return modalities(encoder)
    return tuple(encoder.reads(encoder.Settings(**choice.filled("pretrained").settings)))


def named(name: str) -> Choice:
    """The encoder of a name, as it is used best: a plug-in, or weights of a person's own (see docs/pretrained.md).

    Raises:
        UsageError, DataError: it names nothing, or weights that are not there or cannot be read.
        MissingExtra: the library that reads them is not installed.
    """
    if name not in plugins.names("pretrained") or name in _own.LIBRARIES:
        found = _own.named(name)
        if found is not None:
            library, weights = found
            choice = Choice(library, {"weights": weights}).filled("pretrained")
            return Choice(library, plugins.load("pretrained", library).settled(dict(choice.settings)))
    plugins.find("pretrained", name)
    return preferred(Choice(name))


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
