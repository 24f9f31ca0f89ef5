"""A picture's bytes, or an array, become one uint8 canvas. The only way a picture enters a network, anywhere.

This file needs NumPy and Pillow and nothing else: training, prediction and every shipped model use a copy of this
very text, because two decoders that nearly agree (a JPEG decoded at reduced size differs from a full one by several
grey levels) make a shipped model answer differently from the one that was tested.

What is decided here, once:

- Transparent pictures are laid on white, so a black icon on nothing stays visible.
- 16-bit pictures are scaled by the range of their `bits`, never by their own brightest pixel: two exposures of one
  scene must not become equal. 32-bit integers are read as 16-bit ones.
- Floating-point values lie in 0 to 1 or in 0 to 255 (when any is above 1); others are refused.
- An array is height × width × channels where its last axis is 1, 3 or 4, else channels × height × width.
- EXIF orientation is applied. A GIF gives its first frame. A picture that already has the canvas' size passes
  through untouched; others are resampled (bicubic, antialiased), and bars take the colour of the edges they touch.
"""

from __future__ import annotations

import threading
import warnings
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

VERSION = 1  # raise it whenever the same bytes may decode to other values: caches of older versions are not read
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "PPM")
MOST_PIXELS = 178_956_970  # Pillow's own limit against decompression bombs, also where a program has lifted that
ORIENTATION = 0x0112  # the EXIF tag
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class DecodeError(ValueError):
    """The content is not a picture that can be used; the message says why, to be read after the item's name."""


def decode(
    content: bytes | np.ndarray,
    *,
    side: int,
    channels: int,
    fit: str = "letterbox",
    page: str = "first",
    bits: int = 16,
    number: int | None = None,
) -> np.ndarray:
    """The picture on its canvas: uint8 [side, side, channels].

    Args:
        content: a file's bytes, or an array (shapes and ranges: see the module's docstring).
        side: height and width of the canvas in pixels.
        channels: 1 (grey) or 3 (red, green, blue).
        fit: "letterbox" (whole picture, bars), "crop" (the largest central square) or "squash" (sides stretched).
        page: of a file with several pages: "first", or "max" for the brightest value over all pages.
        bits: significant bits of 16-bit pictures; 12 for most scientific cameras.
        number: the page to read, counted from 1; goes before `page`.

    Raises:
        DecodeError: the content is not a picture, is cut off, too large, or holds values that cannot be shown.
    """
    if isinstance(content, np.ndarray):
        return _on_canvas(from_array(content, bits), side, channels, fit)
    with Quiet():
        try:
            with open_image(content) as image:
                _draft(image, side, channels, fit)
                plain = _pages(image, page, bits) if page == "max" and number is None else _page(image, number, bits)
                return _on_canvas(plain, side, channels, fit)
        except DecodeError:
            raise
        except Exception as problem:  # a broken file trips Pillow's parsers in every way there is
            raise DecodeError(reason(problem)) from problem


def header(content: bytes | np.ndarray) -> dict[str, Any]:
    """Height and width (upright), channels, format, pages and significant bits, as far as possible without decoding.

    Raises:
        DecodeError: the content is not a picture.
    """
    if isinstance(content, np.ndarray):
        image = from_array(content)
        bits = _significant_bits(content) if content.dtype.itemsize == 2 and content.dtype.kind == "u" else 8
        return _described(image.height, image.width, image.mode == "L", "array", 1, bits)
    with Quiet():
        try:
            with open_image(content) as image:
                width, height = image.size
                if orientation(image) >= 5:
                    width, height = height, width
                pages, name, grey, bits = page_count(image), image.format or "", _is_grey(image), 8
                if image.mode.startswith("I"):
                    bits = _significant_bits(np.asarray(image))
                return _described(height, width, grey, name, pages, bits)
        except DecodeError:
            raise
        except Exception as problem:
            raise DecodeError(reason(problem)) from problem


def _described(height: int, width: int, grey: bool, name: str, pages: int, bits: int) -> dict[str, Any]:
    channels = 1 if grey else 3
    return {"height": height, "width": width, "channels": channels, "format": name, "pages": pages, "bits": bits}


def _significant_bits(values: np.ndarray) -> int:
    """Of a 16-bit picture. Never as few as 8, so that it is told from an 8-bit one."""
    return max(9, min(16, int(values.max()).bit_length()))


def _is_grey(image: Image.Image) -> bool:
    if image.mode == "P":
        image.load()
        colours = np.array(image.getpalette("RGB")).reshape(-1, 3)
        return bool((colours == colours[:, :1]).all())
    return image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")


def open_image(content: bytes) -> Image.Image:
    """The file, its header read and its pixels not.

    Raises:
        DecodeError: it is empty, of no known format, or larger than `MOST_PIXELS`.
    """
    if not content:
        raise DecodeError("the file is empty (0 bytes)")
    try:
        image = Image.open(BytesIO(content), formats=FORMATS)
    except Exception as problem:
        raise DecodeError(reason(problem)) from problem
    if image.width * image.height > MOST_PIXELS:
        raise DecodeError(f"it is too large ({image.width}×{image.height} pixels); make it smaller first")
    return image


def reason(problem: Exception) -> str:
    """What Pillow's complaint means to a person."""
    text = str(problem)
    if isinstance(problem, Image.UnidentifiedImageError):
        return "it is not a picture in a known format; expected PNG, JPEG, WebP, BMP, TIFF, GIF or PGM"
    if isinstance(problem, Image.DecompressionBombError):
        return "it is too large to be decoded safely; make it smaller first"
    if isinstance(problem, MemoryError):
        return "it does not fit in memory; make it smaller first"
    if "truncated" in text.lower() or isinstance(problem, EOFError):
        return "the file is cut off; copy or download it again"
    return f"the file is damaged ({text or type(problem).__name__})"


def from_array(values: np.ndarray, bits: int = 16) -> Image.Image:
    """An array as a grey or an RGB picture.

    Raises:
        DecodeError: its shape or its values are not those of a picture.
    """
    if values.ndim == 3 and values.shape[-1] not in (1, 3, 4) and values.shape[0] in (1, 3):
        values = np.moveaxis(values, 0, -1)
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[-1] not in (1, 3, 4)) or not values.size:
        shape = "×".join(map(str, values.shape)) or "a single number"
        raise DecodeError(
            f"the array has shape {shape}; expected height×width, height×width×(1, 3 or 4) or (1 or 3)×height×width"
        )
    if values.shape[0] * values.shape[1] > MOST_PIXELS:
        raise DecodeError(f"it is too large ({values.shape[1]}×{values.shape[0]} pixels); make it smaller first")
    levels = np.ascontiguousarray(to_levels(values, bits))
    image = Image.fromarray(levels[:, :, 0] if levels.ndim == 3 and levels.shape[-1] == 1 else levels)
    return _on_white(image) if image.mode == "RGBA" else image


def to_levels(values: np.ndarray, bits: int = 16) -> np.ndarray:
    """Values of any numeric type as levels 0 to 255, uint8 of the same shape.

    Raises:
        DecodeError: the values are not numbers, not finite, or outside the ranges of the module's docstring.
    """
    kind = values.dtype.kind
    if kind == "b":
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype == np.uint8:
        return values
    if kind == "u" and values.dtype.itemsize == 2:
        full = 2**bits - 1
        return np.minimum((values.astype(np.uint32) * 255 + full // 2) // full, 255).astype(np.uint8)
    if kind not in "iuf":
        raise DecodeError(f"the array holds {values.dtype} values; expected uint8, uint16, float or bool")
    if kind == "f" and not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise DecodeError(f"{count} of its {values.size} values are NaN or infinite; fill them or leave the item out")
    low, high = values.min(), values.max()
    if low < 0 or high > 255:
        expected = "0 to 255 or 0 to 1" if kind == "f" else "0 to 255"
        raise DecodeError(
            f"its values reach from {low:.6g} to {high:.6g}; expected {expected}: "
            "rescale them, undo a standardisation, or save the picture with 16 bits"
        )
    scale = 255.0 if kind == "f" and high <= 1 else 1.0
    return np.rint(values.astype(np.float64) * scale).astype(np.uint8)


def _page(image: Image.Image, number: int | None, bits: int) -> Image.Image:
    """One page, counted from 1; None is the first."""
    if number is not None and number != 1:
        pages = getattr(image, "n_frames", 1)
        if not 1 <= number <= pages:
            raise DecodeError(f"there is no page {number}; it has {pages}")
        image.seek(number - 1)
    return _plain(image, bits)


def _pages(image: Image.Image, rule: str, bits: int) -> Image.Image:
    """The brightest value over all pages of a TIFF (a maximum projection); other formats have one page."""
    assert rule == "max"
    brightest = np.asarray(_plain(image, bits))
    for index in range(1, page_count(image)):
        image.seek(index)
        other = np.asarray(_plain(image, bits))
        if other.shape != brightest.shape:
            raise DecodeError("its pages differ in size, so they have no common maximum; use --page first or each")
        brightest = np.maximum(brightest, other)
    return Image.fromarray(brightest)


def page_count(image: Image.Image) -> int:
    """How many pages a file has. Frames of an animation are not pages."""
    return int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1


def _plain(image: Image.Image, bits: int) -> Image.Image:
    """The current page as an upright picture in mode L or RGB, without transparency."""
    image.load()
    if image.mode.startswith("I;16"):
        plain = Image.fromarray(to_levels(np.asarray(image).astype(np.uint16), bits))
    elif image.mode in ("I", "F"):
        plain = Image.fromarray(to_levels(_narrow(np.asarray(image)), bits))
    elif image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info:
        plain = _on_white(image)
    elif image.mode in ("L", "RGB"):
        plain = image
    else:
        plain = image.convert("L" if image.mode == "1" else "RGB")
    turn = TURNS.get(orientation(image))
    return plain if turn is None else plain.transpose(turn)


def _narrow(values: np.ndarray) -> np.ndarray:
    """32-bit integers that hold 16-bit values become those; everything else stays."""
    fits = values.dtype.kind == "i" and values.min() >= 0 and values.max() <= 65535
    return values.astype(np.uint16) if fits else values


def _on_white(image: Image.Image) -> Image.Image:
    """A picture with transparency laid on white; grey stays grey."""
    grey = image.mode in ("1", "L", "LA", "La")
    colours = image.convert("RGBA")
    ground = Image.new("RGB", colours.size, (255, 255, 255))
    ground.paste(colours, mask=colours.getchannel("A"))
    return ground.convert("L") if grey else ground


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) when there is none or it cannot be read."""
    if not any(key in image.info for key in ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp")):
        # A TIFF keeps the tag in its directory, and Pillow turns those itself.
        return 1
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # a damaged EXIF block does not make the picture unreadable
        return 1


def _draft(image: Image.Image, side: int, channels: int, fit: str) -> None:
    """Have a JPEG decoded at a half, a quarter or an eighth of its size where that is still large enough."""
    if image.format not in ("JPEG", "MPO"):
        return
    width, height = image.size
    reach = min(width, height) if fit != "letterbox" else max(width, height)
    scale = side / reach
    image.draft("L" if channels == 1 else "RGB", (max(1, round(width * scale)), max(1, round(height * scale))))


def _on_canvas(image: Image.Image, side: int, channels: int, fit: str) -> np.ndarray:
    """An L or RGB picture, scaled and placed: uint8 [side, side, channels]."""
    mode = "L" if channels == 1 else "RGB"
    image = image if image.mode == mode else image.convert(mode)
    width, height = image.size
    if (width, height) == (side, side):
        placed = np.array(image)
    elif fit == "squash":
        placed = _resized(image, (side, side), (0, 0, width, height))
    elif fit == "crop":
        square = min(width, height)
        left, top = (width - square) / 2, (height - square) / 2
        placed = _resized(image, (side, side), (left, top, left + square, top + square))
    else:
        scale = side / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        placed = _with_bars(_resized(image, size, (0, 0, width, height)), side)
    return placed.reshape(side, side, channels)


def _resized(image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(image.resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=3.0))


def _with_bars(values: np.ndarray, side: int) -> np.ndarray:
    """The picture in the middle of a square; the bars have the median colour of the two edges that they continue."""
    height, width = values.shape[:2]
    if height == width:
        return values
    edges = values[:, [0, -1]] if width < height else values[[0, -1]]
    colour = np.sort(edges.reshape(-1, *values.shape[2:]), axis=0)[edges.shape[0] * edges.shape[1] // 2]
    # A whole row at a time: filling pixel by pixel is thirty times slower.
    canvas = np.empty((side, side, *values.shape[2:]), np.uint8)
    canvas.reshape(side, -1)[:] = np.tile(colour, side)
    top, left = (side - height) // 2, (side - width) // 2
    canvas[top : top + height, left : left + width] = values
    return canvas


class Quiet:
    """Pillow's warnings are silent while any thread decodes.

    `warnings.catch_warnings` alone is not safe here: of two threads the one that came first would restore the filters
    under the other. So the first in silences, and the last out restores.
    """

    _lock = threading.Lock()
    _inside = 0
    _filters: Any = None

    def __enter__(self) -> None:
        with Quiet._lock:
            if Quiet._inside == 0:
                Quiet._filters = warnings.catch_warnings()
                Quiet._filters.__enter__()
                warnings.filterwarnings("ignore", module="PIL")
            Quiet._inside += 1

    def __exit__(self, *problem: object) -> None:
        with Quiet._lock:
            Quiet._inside -= 1
            if Quiet._inside == 0:
                Quiet._filters.__exit__(None, None, None)
