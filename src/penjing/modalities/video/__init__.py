"""Videos: MP4, MOV, AVI, MKV, WebM, MPEG, WMV and arrays, each as a few frames evenly spread in time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from penjing.core.cache import Form
from penjing.core.errors import DataError, MissingExtra
from penjing.modalities.video import decode as _codec
from penjing.modalities.video._features import features
from penjing.modalities.video._samples import samples

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
    "why",
]

KIND: Literal["file", "cell"] = "file"
GIVES: Literal["maps", "tokens", "vector", "frames"] = "frames"
MODELS: tuple[str, ...] = ("clip",)  # what races for videos, the default first
# Augmentations that leave nearly every such item what it is.
SAFE_AUGMENTATIONS = ("pan", "brightness")

# GIF is left to pictures; where a person says that a column is video, GIFs are read here as well.
EXTENSIONS = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".flv", ".wmv", ".ogv", ".3gp"}
)

_FFMPEG = "a format that is not read here; convert it first, for example with: ffmpeg -i IN OUT.mp4"
# Formats that people have and that are not read here → what the file is, and how to convert it.
REFUSED: Mapping[str, str] = dict.fromkeys((".rm", ".rmvb", ".vob", ".swf", ".y4m", ".h264", ".braw", ".r3d"), _FFMPEG)

MOST_FRAMES = 8
LEAST_SIDE, MOST_SIDE = 24, 112
# The budget is for pictures, whose networks spend this many times as much on a pixel as those for clips.
CHEAPER = 4
_STEP = 8

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Settings:
    """How a video is brought to a few frames. Cached form: uint8 [frames, side, side, channels].

    Attributes:
        frames: how many, evenly spread over the whole video.
        side: height and width of the canvas in pixels.
        channels: 1 (grey) or 3 (red, green, blue).
        fit: "letterbox" keeps whole frames and adds bars, "crop" keeps the largest central square, "squash"
            stretches the sides.
    """

    frames: int = 8
    side: int = 64
    channels: int = 3
    fit: str = "letterbox"


@dataclass(frozen=True)
class Header:
    """What a video says of itself before it is decoded.

    Attributes:
        frames: how many it has.
        height: in pixels, as shown.
        width: in pixels, as shown.
        channels: 1 when it is grey by its type, else 3.
        rate_hz: frames per second, on average; of an array, the rate that arrays are taken to have.
        seconds: its length.
        format: "MOV" (also of MP4), "AVI", … or "array".
    """

    frames: int
    height: int
    width: int
    channels: int
    rate_hz: float
    seconds: float
    format: str


def recognise(references: Sequence[str]) -> float:
    """The share of references that are named like videos, 0 to 1. Formats in `REFUSED` count: they are videos."""
    known = EXTENSIONS | REFUSED.keys()
    return sum(Path(str(reference)).suffix.lower() in known for reference in references) / max(1, len(references))


def probe(content: bytes | np.ndarray) -> Header:
    """What a video says of itself; of its frames only the first is decoded.

    Raises:
        DataError: it is not a video, or is damaged; the message is to be read after the item's name.
        MissingExtra: it is a file, and PyAV is not installed.
    """
    return Header(**_told(lambda: _codec.header(content)))


def decode(content: bytes | np.ndarray, settings: Settings, page: int | None = None) -> np.ndarray:  # noqa: ARG001 - videos have no pages
    """The video as a few frames: uint8 [frames, side, side, channels].

    Args:
        content: a file's bytes, or an array of time × height × width, × channels, or time × channels × height × width.

    Raises:
        DataError: it cannot be decoded; the message is to be read after the item's name.
        MissingExtra: it is a file, and PyAV is not installed.
    """
    return _told(lambda: _codec.decode(content, **vars(settings)))


def _told(read: Callable[[], _Result]) -> _Result:
    """What `read` gives, its complaints being ours."""
    try:
        return read()
    except _codec.DecodeError as problem:
        raise DataError(str(problem)) from problem
    except ImportError as problem:
        raise MissingExtra("av", "video", "read videos") from problem


def form(settings: Settings) -> Form:
    """How videos decoded with these settings lie in the cache."""
    shape = (settings.frames, settings.side, settings.side, settings.channels)
    return Form("video", {**asdict(settings), "version": _codec.VERSION}, shape)


def shape(learned: Mapping[str, Any], item_shape: tuple[int, ...]) -> tuple[int, ...]:  # noqa: ARG001 - sounds need it
    """What an encoder gets of a clip: (time, channels, height, width)."""
    time, height, width, channels = item_shape
    return time, channels, height, width


def plan(headers: Sequence[Header], budget: int) -> Settings:
    """The frames and the canvas for a data set.

    As many frames as most videos have, at most `MOST_FRAMES`. The side is the median of the longer sides, or the
    largest that the budget affords; videos that all have one size within the budget keep it exactly.

    Args:
        headers: of training and validation items only.
        budget: the most pixels that a picture may have; a clip may have `CHEAPER` times as many, over all frames.

    Raises:
        DataError: there are no headers.
    """
    if not headers:
        raise DataError("none of the videos could be read, so there is no size to plan for; check the listed files")
    longer = np.array([max(header.height, header.width) for header in headers])
    frames = min(MOST_FRAMES, int(np.median([header.frames for header in headers])))
    affordable = min(MOST_SIDE, max(LEAST_SIDE, math.isqrt(CHEAPER * budget // frames)))
    wanted = max(_STEP, int(np.median(longer)))
    if np.ptp(longer) > 0 or wanted > affordable:
        wanted = max(_STEP, min(math.ceil(wanted / _STEP), affordable // _STEP) * _STEP)
    grey = all(header.channels == 1 for header in headers)
    return Settings(frames=frames, side=wanted, channels=1 if grey else 3)


def why(settings: Settings, headers: Sequence[Header]) -> str:
    """One sentence on the frames, for people."""
    sizes = sorted({(header.height, header.width) for header in headers})
    size = " to ".join(f"{height}×{width}" for height, width in dict.fromkeys((sizes[0], sizes[-1])))
    seconds = [f"{length:.3g}" for length in (min(h.seconds for h in headers), max(h.seconds for h in headers))]
    colour = "grey" if settings.channels == 1 else "in colour"
    fitted = {"letterbox": "whole, with bars", "crop": "cut to a central square", "squash": "stretched to a square"}
    own = sizes == [(settings.side, settings.side)]
    return (
        f"of videos of {' to '.join(dict.fromkeys(seconds))} s and {size} pixels (height×width), {settings.frames} "
        f"frames evenly spread are used, {settings.side}×{settings.side}, {colour}"
        + ("" if own else f", {fitted[settings.fit]}")
    )
