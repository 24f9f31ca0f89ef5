"""A video's bytes, or an array, become one uint8 clip of a few frames. The only way a video enters a network.

This file needs NumPy, Pillow and PyAV (for files) and nothing else: training, prediction and every shipped model use a
copy of this very text, because two ways to choose frames make a shipped model answer differently from the one tested.

What is decided here, once:

- Time is cut into equal stretches, and each gives the frame that is shown in its middle; a clip with fewer frames
  shows some of them twice. Of files with times, time counts, else the frames' order.
- Sound and subtitles are ignored; of several pictures in one file the first stream counts.
- Frames are turned as the file says they are to be shown.
- All frames are put on one square canvas in one way; bars have the median colour of the edges, over all frames.
- A file that ends before its header says is damaged. One frame is a picture, not a video.
- An array is time × height × width, × channels where its last axis is 1, 3 or 4, or time × channels × height × width.
  It carries no rate and is taken to be at `ARRAY_RATE_HZ`. Values: bool, 0 to 255, 16 bits, or floats in 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

VERSION = 1  # raise it whenever the same bytes may decode to other values: caches of older versions are not read
FORMATS = frozenset({"mov", "mp4", "avi", "matroska", "webm", "gif", "mpeg", "mpegts", "flv", "asf", "ogg"})
ARRAY_RATE_HZ = 25.0  # of arrays, which do not say
MOST_PIXELS = 2**26  # of one frame: four times 8K
LONG = 600  # frames from which it is faster to jump from keyframe to keyframe than to decode everything
NOT_A_VIDEO = "it is not a video in a known format; expected MP4, MOV, AVI, MKV, WebM, MPEG, WMV or GIF"
_SPARE = 0.05  # share of the frames that may be missing: sloppy writers round


class DecodeError(ValueError):
    """The content is not a video that can be used; the message says why, to be read after the item's name."""


def decode(content: bytes | np.ndarray, *, frames: int, side: int, channels: int, fit: str = "letterbox") -> np.ndarray:
    """The video as a few frames on one canvas: uint8 [frames, side, side, channels].

    Args:
        content: a file's bytes, or an array (shapes and ranges: see the module's docstring).
        frames: how many, evenly spread over the whole video.
        side: height and width of the canvas in pixels.
        channels: 1 (grey) or 3 (red, green, blue).
        fit: "letterbox" (whole frames, bars), "crop" (the largest central square) or "squash" (sides stretched).

    Raises:
        DecodeError: the content is not a video, is cut off, has fewer than two frames, or values that cannot be shown.
        ImportError: it is a file, and PyAV (`av`) is not installed.
    """
    if isinstance(content, np.ndarray):
        values = by_time(content)
        chosen = list(to_levels(values[middles(np.arange(len(values)), frames)]))
    else:
        chosen = from_file(content, frames)
    mode = "L" if channels == 1 else "RGB"
    return on_canvas([as_picture(frame, mode) for frame in chosen], side, fit).reshape(frames, side, side, channels)


def header(content: bytes | np.ndarray) -> dict[str, Any]:
    """Number of frames, height and width as shown, channels, frames a second and length, and the format.

    Only the first frame is decoded: it says how it is turned.

    Raises:
        DecodeError: the content is not a video, or its header is damaged.
        ImportError: it is a file, and PyAV (`av`) is not installed.
    """
    if isinstance(content, np.ndarray):
        values = by_time(content)
        return _described(len(values), values.shape[1:3], values.shape[3], ARRAY_RATE_HZ, "array")
    with _Opened(content) as opened:
        first = next(opened.upright())
        grey = opened.stream.codec_context.pix_fmt in ("gray", "monow", "monob")
        rate = len(opened.times) / opened.seconds
        return _described(len(opened.times), first.shape[:2], 1 if grey else 3, rate, opened.name.upper())


def _described(frames: int, shape: tuple[int, ...], channels: int, rate_hz: float, name: str) -> dict[str, Any]:
    height, width = shape
    size = {"frames": frames, "height": int(height), "width": int(width), "channels": 1 if channels == 1 else 3}
    return {**size, "rate_hz": float(rate_hz), "seconds": frames / rate_hz, "format": name}


def middles(times: np.ndarray, count: int) -> np.ndarray:
    """Which frame is shown in the middle of each of `count` equal stretches of time: indices into `times`.

    Args:
        times: when each frame begins, rising; the last lasts as long as the others do on average.
    """
    lasts = (times[-1] - times[0]) / max(1, len(times) - 1)
    wanted = times[0] + (np.arange(count) + 0.5) / count * (times[-1] - times[0] + lasts)
    return np.clip(np.searchsorted(times, wanted, side="right") - 1, 0, len(times) - 1)


def from_file(content: bytes, count: int) -> list[np.ndarray]:
    """Frames evenly spread over a file: uint8 [height, width, 3] each.

    Raises:
        DecodeError, ImportError: see `decode`.
    """
    with _Opened(content) as opened:
        places = middles(opened.times, count)
        seen = opened.jump(places) if opened.has_times and len(opened.times) > LONG else opened.walk(places)
        return [seen[place] for place in places.tolist()]


class _Opened:
    """A file's first video stream, with the times of all its frames; PyAV's complaints become `DecodeError`.

    Attributes:
        stream: PyAV's.
        name: of the format.
        times: when frames are shown, rising, in units of the stream; their order where the file does not say.
        has_times: whether it says.
        seconds: its length.
    """

    def __init__(self, content: bytes) -> None:
        import av

        if not content:
            raise DecodeError("the file is empty (0 bytes)")
        try:
            self.container = av.open(BytesIO(content))
            with self:
                self._look()
        except DecodeError:
            raise
        except Exception as problem:
            raise DecodeError(reason(problem)) from problem
        self.container = av.open(BytesIO(content))
        self._choose_stream()

    def __enter__(self) -> _Opened:
        return self

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        self.container.close()
        if isinstance(problem, Exception) and not isinstance(problem, DecodeError):
            raise DecodeError(reason(problem)) from problem

    def _choose_stream(self) -> None:
        self.stream = self.container.streams.video[0]
        self.stream.thread_type = "NONE"  # many files are read at once already

    def _look(self) -> None:
        """Everything but the pictures: format, and the times of all frames."""
        names = FORMATS.intersection(self.container.format.name.split(","))
        if not names:
            raise DecodeError(NOT_A_VIDEO)
        self.name = sorted(names)[0]
        if not self.container.streams.video:
            raise DecodeError("it holds no pictures, only sound or text; as a sound it can be used once it is a WAV")
        self._choose_stream()
        if self.stream.width * self.stream.height > MOST_PIXELS:
            raise DecodeError(f"it is too large ({self.stream.width}×{self.stream.height} pixels); make it smaller")
        times = [packet.pts for packet in self.container.demux(self.stream) if packet.size]
        self.has_times = None not in times and len(set(times)) == len(times)
        self.times = np.sort(np.array(times if self.has_times else range(len(times)), np.int64))
        self._refuse_too_few()
        self.seconds = self._seconds()
        self._refuse_too_short()

    def _refuse_too_few(self) -> None:
        count, promised = len(self.times), self.stream.frames
        if count < (1 - _SPARE) * promised - 1:
            raise DecodeError(f"the file is cut off after {count} of its {promised} frames; copy or download it again")
        if not count:
            raise DecodeError("it holds no frames; record it again or leave it out")
        if count == 1:
            raise DecodeError("it holds a single frame, so nothing can move in it; save it as a picture")

    def _refuse_too_short(self) -> None:
        """Files that promise a length and no number of frames; of several streams another may be longer."""
        promised = (self.container.duration or 0) / 1e6  # PyAV counts it in microseconds
        if len(self.container.streams) > 1 or self.name == "gif":
            return
        if self.seconds + 2 * self.seconds / len(self.times) < (1 - _SPARE) * promised:
            raise DecodeError(f"the file is cut off after {self.seconds:.3g} of its {promised:.3g} s; copy it again")

    def _seconds(self) -> float:
        count, stream = len(self.times), self.stream
        if self.has_times and stream.time_base:
            return float((self.times[-1] - self.times[0]) * count / (count - 1) * stream.time_base)
        return count / float(stream.average_rate or ARRAY_RATE_HZ)

    def upright(self) -> Iterator[np.ndarray]:
        """All frames, in the order they are shown: uint8 [height, width, 3].

        Raises:
            DecodeError: there is none.
        """
        has_any = False
        for frame in self.container.decode(self.stream):
            has_any = True
            yield _turned(frame)
        if not has_any:
            raise DecodeError("none of its frames can be decoded; copy or download it again")

    def walk(self, places: np.ndarray) -> dict[int, np.ndarray]:
        """The frames at these places, all frames before the last of them being decoded.

        Raises:
            DecodeError: there are fewer frames than packets of the file promise.
        """
        wanted, seen, place, frame = set(places.tolist()), {}, -1, None
        for place, frame in enumerate(self.container.decode(self.stream)):
            if place in wanted:
                seen[place] = _turned(frame)
            if place == places[-1]:
                break
        if frame is None or place + 1 < (1 - _SPARE) * places[-1] - 1:
            raise DecodeError(f"only {place + 1} of its {len(self.times)} frames can be decoded; copy it again")
        last = _turned(frame)  # a few packets may bring no frame of their own
        return {wish: seen.get(wish, last) for wish in wanted}

    def jump(self, places: np.ndarray) -> dict[int, np.ndarray]:
        """The frames at these places, each decoded from the keyframe before it.

        Raises:
            DecodeError: one cannot be decoded.
        """
        seen = {}
        for place in dict.fromkeys(places.tolist()):
            time = int(self.times[place])
            self.container.seek(time, stream=self.stream)
            decoded = self.container.decode(self.stream)
            frame = next((frame for frame in decoded if frame.pts is not None and frame.pts >= time), None)
            if frame is None:
                raise DecodeError(f"its frame {place + 1} of {len(self.times)} cannot be decoded; copy it again")
            seen[place] = _turned(frame)
        return seen


def _turned(frame: Any) -> np.ndarray:
    """A frame as it is to be shown; PyAV gives the turn in degrees counter-clockwise."""
    return np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90) % 4)


def reason(problem: Exception) -> str:
    """What PyAV's complaint means to a person."""
    text = str(getattr(problem, "strerror", None) or problem)
    if isinstance(problem, MemoryError):
        return "it does not fit in memory; make it shorter or smaller first"
    if isinstance(problem, StopIteration) or "End of file" in text:
        return "the file is cut off; copy or download it again"
    if "Invalid data" in text:
        return f"{NOT_A_VIDEO}, or the file is cut off or damaged"
    return f"the file is damaged ({text or type(problem).__name__})"


def by_time(values: np.ndarray) -> np.ndarray:
    """An array as [time, height, width, channels], its values untouched.

    Raises:
        DecodeError: its shape is not that of a video.
    """
    ordered = values
    if values.ndim == 4 and values.shape[-1] not in (1, 3, 4) and values.shape[1] in (1, 3):
        ordered = np.moveaxis(values, 1, -1)
    elif values.ndim == 3:
        ordered = values[..., None]
    if ordered.ndim != 4 or ordered.shape[-1] not in (1, 3, 4) or not values.size:
        shape = "×".join(map(str, values.shape)) or "a single number"
        raise DecodeError(
            f"the array has shape {shape}; expected time×height×width, × channels (1, 3 or 4), "
            "or time×channels×height×width"
        )
    if len(ordered) == 1:
        raise DecodeError("it holds a single frame, so nothing can move in it; give it as a picture")
    if ordered.shape[1] * ordered.shape[2] > MOST_PIXELS:
        raise DecodeError(f"it is too large ({ordered.shape[2]}×{ordered.shape[1]} pixels); make it smaller")
    return ordered


def to_levels(values: np.ndarray) -> np.ndarray:
    """Values of any numeric type as levels 0 to 255, uint8 [time, height, width, 1 or 3].

    Raises:
        DecodeError: the values are not numbers, not finite, or outside the ranges of the module's docstring.
    """
    values = values[..., :3]  # transparency is left out
    kind = values.dtype.kind
    if kind == "b":
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype == np.uint8:
        return values
    if kind == "u" and values.dtype.itemsize == 2:
        return (values // 257).astype(np.uint8)
    if kind not in "iuf":
        raise DecodeError(f"the array holds {values.dtype} values; expected uint8, uint16, float or bool")
    if not np.isfinite(values).all():
        raise DecodeError("it holds values that are NaN or infinite; fill them or leave the item out")
    low, high = values.min(), values.max()
    if low < 0 or high > 255:
        raise DecodeError(f"its values reach from {low:.6g} to {high:.6g}; expected 0 to 255 or 0 to 1: rescale them")
    scale = 255.0 if kind == "f" and high <= 1 else 1.0
    return np.rint(values * scale).astype(np.uint8)


def as_picture(frame: np.ndarray, mode: str) -> Image.Image:
    """A frame of 1 or 3 channels in mode "L" or "RGB"."""
    image = Image.fromarray(np.ascontiguousarray(frame[:, :, 0] if frame.shape[-1] == 1 else frame))
    return image if image.mode == mode else image.convert(mode)


def on_canvas(images: list[Image.Image], side: int, fit: str) -> np.ndarray:
    """Frames scaled and placed alike: uint8 [frames, side, side], × 3 in colour."""
    width, height = images[0].size
    if (width, height) == (side, side):
        return np.stack([np.array(image) for image in images])
    if fit == "squash":
        return _resized(images, (side, side), (0, 0, width, height))
    if fit == "crop":
        square = min(width, height)
        left, top = (width - square) / 2, (height - square) / 2
        return _resized(images, (side, side), (left, top, left + square, top + square))
    scale = side / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return _with_bars(_resized(images, size, (0, 0, width, height)), side)


def _resized(images: list[Image.Image], size: tuple[int, int], box: tuple[float, float, float, float]) -> np.ndarray:
    shown = Image.Resampling.BICUBIC
    own = images[0].size
    # a stream may change its size midway; all frames are laid on what the first one shows
    alike = [image if image.size == own else image.resize(own, shown) for image in images]
    return np.stack([np.array(image.resize(size, shown, box=box, reducing_gap=3.0)) for image in alike])


def _with_bars(values: np.ndarray, side: int) -> np.ndarray:
    """The frames in the middle of a square; the bars have the median colour of the two edges that they continue."""
    count, height, width = values.shape[:3]
    edges = values[:, :, [0, -1]] if width < height else values[:, [0, -1]]
    colour = np.median(edges.reshape(-1, *values.shape[3:]), axis=0).astype(np.uint8)
    canvas = np.empty((count, side, side, *values.shape[3:]), np.uint8)
    canvas[:] = colour
    top, left = (side - height) // 2, (side - width) // 2
    canvas[:, top : top + height, left : left + width] = values
    return canvas
