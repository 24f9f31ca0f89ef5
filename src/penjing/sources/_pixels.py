"""Pictures that are in memory already, brought to [height, width(, channels)] without importing torch or Pillow."""

from __future__ import annotations

from typing import Any

import numpy as np

from penjing.core.errors import DataError

_CHANNELS = (1, 3, 4)
# Pillow modes whose arrays are pictures as they stand; the others (palette, CMYK, …) are converted.
_PLAIN_MODES = ("L", "RGB", "RGBA", "F")
_WITH_ALPHA = ("LA", "PA", "La", "RGBa")


def picture(value: object) -> bytes | np.ndarray:
    """A picture given as encoded bytes, a Pillow image, an array or a tensor, as bytes or [height, width(, channels)].

    Raises:
        DataError: it is none of these.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    mode, convert = getattr(value, "mode", None), getattr(value, "convert", None)
    if mode is not None and convert is not None:  # a Pillow image
        return _of_pillow(value, mode)
    return channels_last(as_numpy(value)[None])[0]


def _of_pillow(image: Any, mode: str) -> np.ndarray:
    """The values of a Pillow image: as they are where they are grey levels or colours, else as colours."""
    if mode == "I" or mode.startswith("I;16"):  # 16-bit values, or those of a larger integer
        values = np.asarray(image)
        fits = values.size and values.min() >= 0 and values.max() <= 65535
        return values.astype(np.uint16) if fits else values
    if mode in _PLAIN_MODES:
        return np.asarray(image)
    return np.asarray(image.convert("RGBA" if mode in _WITH_ALPHA or "transparency" in image.info else "RGB"))


def as_numpy(value: object) -> np.ndarray:
    """The values of an array or a tensor.

    Raises:
        DataError: it is neither.
    """
    detach = getattr(value, "detach", None)
    if detach is not None:
        value = detach().cpu()
    if not hasattr(value, "__array__"):
        raise DataError(f"expected an array, a tensor or a picture, not {type(value).__name__}")
    return np.asarray(value)


def channels_last(pixels: np.ndarray) -> np.ndarray:
    """Pictures [n, height, width, channels] from that or from [n, channels, height, width]; grey [n, h, w] stays."""
    is_first = pixels.ndim == 4 and pixels.shape[1] in _CHANNELS and pixels.shape[3] not in _CHANNELS
    return np.moveaxis(pixels, 1, 3) if is_first else pixels


def pixel_scale(pixels: np.ndarray) -> float:
    """What pixels are multiplied with to lie in 0 to 255: 255 for booleans and for fractions of 0 to 1, else 1.

    Raises:
        DataError: they are not numbers, not finite, or outside 0 to 255 (65535 for integers).
    """
    if pixels.dtype in (np.uint8, np.uint16) or not pixels.size:
        return 1.0
    if pixels.dtype == bool:
        return 255.0
    if pixels.dtype.kind not in "iuf":
        raise DataError(f"pixels must be numbers, not {pixels.dtype}")
    low, high = float(pixels.min()), float(pixels.max())
    is_float = pixels.dtype.kind == "f"
    if not 0 <= low <= high <= (255 if is_float else 65535):  # false for NaN too
        raise DataError(f"pixels must lie in 0 to 1 or 0 to 255, not {low:.3g} to {high:.3g}; undo the standardisation")
    return 255.0 if is_float and high <= 1.0 else 1.0


def narrowed(pixels: np.ndarray) -> np.ndarray:
    """Whole numbers of 0 to 65535, some above 255, as the 16 bits that decoders take them for; all else as it is."""
    is_wide = pixels.dtype.kind in "iu" and pixels.dtype.itemsize > 2 and pixels.size and int(pixels.max()) > 255
    return pixels.astype(np.uint16) if is_wide else pixels
