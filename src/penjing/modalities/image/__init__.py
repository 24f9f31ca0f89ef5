"""Pictures: PNG, JPEG, WebP, BMP, TIFF, GIF, PGM and arrays, all on one square canvas."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from penjing.core.cache import Form
from penjing.core.errors import DataError
from penjing.modalities.image import decode as _codec
from penjing.modalities.image._features import features
from penjing.modalities.image._samples import samples

__all__ = [
    "EXTENSIONS",
    "GIVES",
    "KIND",
    "MODELS",
    "REFUSED",
    "Header",
    "Settings",
    "decode",
    "features",
    "form",
    "plan",
    "probe",
    "recognise",
    "samples",
    "shape",
    "thumbnail",
    "while_decoding",
    "why",
]

KIND, GIVES = "file", "maps"
MODELS = ("cnn", "mlp")  # what races for pictures, the default first
FURTHER = ("airbench", "image_example")  # networks of pictures that do not race
# Augmentations that leave nearly every such item what it is.
SAFE_AUGMENTATIONS = ("crop", "zoom", "erase")

EXTENSIONS = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"}
    | {".pgm", ".ppm", ".pbm", ".pnm"}
)

_CAMERA = "a camera's raw format; develop it to JPEG or 16-bit TIFF first, for example with darktable or rawtherapee"
_PHONE = "a phone's format; convert it first, for example with: heif-convert photo.heic photo.jpg"
_MICROSCOPE = (
    "a microscope's format; export it as TIFF first, in Fiji: File › Import › Bio-Formats, then Save As › Tiff"
)
_MEDICAL = "a medical format; export it as PNG first, for example with: dcm2img scan.dcm scan.png"

# Formats that people have and Pillow does not read → what the file is, and how to convert it.
REFUSED: Mapping[str, str] = {
    **dict.fromkeys((".czi", ".lif", ".nd2", ".oib", ".oif", ".vsi", ".lsm", ".ims"), _MICROSCOPE),
    **dict.fromkeys(
        (".svs", ".ndpi", ".mrxs", ".scn"),
        "a slide scanner's format; cut it into PNG tiles first, in QuPath: Export tiles",
    ),
    **dict.fromkeys((".dcm", ".dicom"), _MEDICAL),
    **dict.fromkeys(
        (".nii", ".mha", ".mhd", ".nrrd"), "a medical volume; export its slices as PNG or multi-page TIFF first"
    ),
    **dict.fromkeys((".heic", ".heif", ".avif"), _PHONE),
    **dict.fromkeys((".raw", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf"), _CAMERA),
    **dict.fromkeys(
        (".svg", ".pdf", ".eps", ".ai"), "a drawing, not pixels; export it as PNG first, for example in Inkscape"
    ),
    **dict.fromkeys((".psd", ".xcf"), "an editor's project file; export it as PNG first"),
    **dict.fromkeys(
        (".jp2", ".jxl", ".exr", ".hdr"), "a format that is not read here; convert it first with: magick IN OUT.png"
    ),
}

# The canvas: sides above this are a multiple of it, because networks halve a picture several times.
_STEP = 16
_SMALLEST_SIDE = 8
THUMBNAIL = (32, 32)
while_decoding = _codec.Quiet  # around many pictures: making Pillow silent for each costs a sixth of a small one


@dataclass(frozen=True)
class Settings:
    """How a picture is put on its canvas. Cached form: uint8 [side, side, channels].

    Attributes:
        side: height and width of the canvas in pixels.
        channels: 1 (grey) or 3 (red, green, blue).
        fit: "letterbox" keeps the whole picture and adds bars, "crop" keeps the largest central square, "squash"
            stretches the sides.
        page: of a TIFF with several pages: "first", or "max" for the brightest value over all of them.
        bits: significant bits of 16-bit pictures: the value that becomes white is 2 ** bits − 1.
    """

    side: int = 32
    channels: int = 3
    fit: str = "letterbox"
    page: str = "first"
    bits: int = 16


@dataclass(frozen=True)
class Header:
    """What a picture says of itself before it is decoded.

    Attributes:
        height: in pixels, as seen upright.
        width: in pixels, as seen upright.
        channels: 1 when it is grey by its type, else 3.
        format: "PNG", "JPEG", … or "array".
        pages: of a TIFF; 1 for every other format.
        bits: significant bits of a value: 8, or for a 16-bit picture what its brightest value needs, at least 9.
    """

    height: int
    width: int
    channels: int
    format: str
    pages: int
    bits: int


def recognise(references: Sequence[str]) -> float:
    """The share of references that are named like pictures, 0 to 1. Formats in `REFUSED` count: they are pictures."""
    known = EXTENSIONS | REFUSED.keys()
    return sum(Path(reference).suffix.lower() in known for reference in references) / max(1, len(references))


def probe(content: bytes | np.ndarray) -> Header:
    """What a picture's header says; its pixels are read only where it is 16-bit or has a palette.

    Raises:
        DataError: it is not a picture, or its header is damaged; the message is to be read after the item's name.
    """
    try:
        return Header(**_codec.header(content))
    except _codec.DecodeError as problem:
        raise DataError(str(problem)) from problem


def decode(content: bytes | np.ndarray, settings: Settings, page: int | None = None) -> np.ndarray:
    """The picture on its canvas: uint8 [side, side, channels].

    Args:
        content: a file's bytes, or an array of height × width, × channels, or channels × height × width.
        page: the page to read, counted from 1; None follows `settings.page`.

    Raises:
        DataError: it cannot be decoded; the message is to be read after the item's name.
    """
    try:
        return _codec.decode(content, **vars(settings), number=page)
    except _codec.DecodeError as problem:
        raise DataError(str(problem)) from problem


def form(settings: Settings) -> Form:
    """How pictures decoded with these settings lie in the cache."""
    version = {"version": _codec.VERSION}
    return Form("image", {**asdict(settings), **version}, (settings.side, settings.side, settings.channels))


def shape(learned: Mapping[str, Any], item_shape: tuple[int, ...]) -> tuple[int, int, int]:  # noqa: ARG001
    """(channels, height, width) at the encoder, of cached items [height, width, channels]."""
    height, width, channels = item_shape
    return channels, height, width


def plan(headers: Sequence[Header], pixel_budget: int) -> Settings:
    """The canvas for a data set.

    The side is the median of the longer sides, so at most half of the pictures are enlarged, or the largest side
    that the budget affords. Pictures that all have one size within the budget keep it exactly.

    Args:
        headers: of training and validation items only.
        pixel_budget: the most pixels that one canvas may have (side × side).

    Raises:
        DataError: there are no headers.
    """
    if not headers:
        raise DataError("none of the pictures could be read, so there is no size to plan for; check the listed files")
    longer = np.array([max(header.height, header.width) for header in headers])
    affordable = max(_SMALLEST_SIDE, math.isqrt(pixel_budget))
    wanted = max(_SMALLEST_SIDE, int(np.median(longer)))
    if np.ptp(longer) == 0 and wanted <= affordable:
        side = wanted
    elif wanted <= affordable:
        side = min(_rounded(wanted, math.ceil), _rounded(affordable, math.floor))
    else:
        side = _rounded(affordable, math.floor)
    depth = max(header.bits for header in headers)
    return Settings(
        side=side,
        channels=1 if all(header.channels == 1 for header in headers) else 3,
        # Cameras have an even number of bits, and a little head room keeps unseen pictures from being clipped.
        bits=16 if depth <= 8 else min(16, depth + depth % 2),
    )


def why(settings: Settings, headers: Sequence[Header]) -> str:
    """One sentence on the canvas, for people."""
    heights, widths = [header.height for header in headers], [header.width for header in headers]
    colour = "grey" if settings.channels == 1 else "in colour"
    canvas = f"{settings.side}×{settings.side}, {colour}"
    if set(heights) == set(widths) == {settings.side}:
        return f"pictures are used at their own size, {canvas}"
    seen = f"{min(heights)}×{min(widths)} to {max(heights)}×{max(widths)}"
    if len(set(zip(heights, widths, strict=True))) == 1:
        seen = f"{heights[0]}×{widths[0]}"
    fitted = {"letterbox": "whole, with bars", "crop": "cut to a central square", "squash": "stretched to a square"}
    return f"pictures of {seen} (height×width) are brought to {canvas}, {fitted[settings.fit]}; change it with --side"


def thumbnail(decoded: np.ndarray) -> np.ndarray:
    """A small grey picture to find duplicates with: uint8 [side, side, channels] → uint8 [32, 32]."""
    if decoded.shape[-1] == 1 and decoded.shape[0] < THUMBNAIL[0]:
        places = _nearest(decoded.shape[0])
        return decoded[places[:, None], places, 0]
    image = Image.fromarray(decoded[:, :, 0] if decoded.shape[-1] == 1 else decoded)
    factor = image.width // THUMBNAIL[0]
    small = image.reduce(factor) if factor > 1 else image
    if small.size != THUMBNAIL:
        small = small.resize(THUMBNAIL, Image.Resampling.BOX)
    return np.array(small if small.mode == "L" else small.convert("L"))


@lru_cache
def _nearest(side: int) -> np.ndarray:
    """Which pixel of a row each of a thumbnail's shows, where pictures are smaller than thumbnails.

    It is what Pillow's box filter does then, in a tenth of the time.
    """
    row = Image.fromarray(np.arange(side, dtype=np.uint8)[None])
    return np.array(row.resize((THUMBNAIL[0], 1), Image.Resampling.BOX))[0].astype(np.intp)


def _rounded(side: int, towards: Callable[[float], int]) -> int:
    step = _STEP if side > 2 * _STEP else 4
    return max(_SMALLEST_SIDE, towards(side / step) * step)
