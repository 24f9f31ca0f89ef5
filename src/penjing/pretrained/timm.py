"""Pictures through a network of timm, its weights from a file, a folder or the hub."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from penjing.pretrained import _own

MODALITY = "image"
_LIBRARY = "timm"


@dataclass(frozen=True)
class Settings:
    """Which weights, and how pictures are shown to them; all but the first two is found out from the weights.

    Attributes:
        weights: "ARCHITECTURE@FILE", a folder, or a name of the hub.
        fit: how files are decoded for this network alone: "crop" keeps the largest central square, "squash" and
            "letterbox" are as for any picture; "canvas" takes what the data's own canvas holds.
        side: height and width in pixels that every picture is brought to.
        features: the length of an item's vector.
        licence: what the weights' own card says of it.
        fingerprint: of the weights; other ones of the same name are refused.
    """

    weights: str = ""
    fit: str = "crop"
    side: int = 0
    features: int = 0
    licence: str = ""
    fingerprint: str = ""


def settled(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with all that the weights say of themselves written out."""
    return _own.settled(_LIBRARY, settings)


def decode(settings: Settings) -> dict[str, int | str] | None:
    """Settings of the decoding for this network alone; None takes the data's own."""
    return _own.decode(_LIBRARY, settings.weights, settings.fit, settings.side)


def shape(settings: Settings) -> tuple[int, ...]:
    """The length of an item's vector."""
    return (settings.features or _own.loaded(_LIBRARY, settings.weights).features,)


def about(settings: Settings) -> dict[str, str]:
    """Where the weights are from."""
    return _own.about(_LIBRARY, settings.weights, settings.licence)


def load(settings: Settings) -> Callable[[np.ndarray], np.ndarray]:
    """The encoder: decoded pictures uint8 [n, height, width, 1 or 3] → Float32 [n, features].

    Raises:
        UsageError, DataError, MissingExtra: as `_own.embedder`.
    """
    return _own.embedder(_LIBRARY, settings.weights, settings.fingerprint)
