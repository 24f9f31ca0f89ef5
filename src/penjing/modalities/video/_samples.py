"""A few videos of different kinds, made on the spot, for the contract tests."""

from __future__ import annotations

from io import BytesIO

import numpy as np


def samples() -> list[bytes | np.ndarray]:
    """Contents that this modality decodes: different formats, sizes, rates and lengths, and arrays.

    Raises:
        ImportError: PyAV is not installed.
    """
    clip = _moving(12, 32, 48)
    files = [("mp4", "mpeg4", 12), ("avi", "mjpeg", 25), ("matroska", "mpeg4", 5)]
    written = [_encoded(clip[: 12 - 2 * place], *kind) for place, kind in enumerate(files)]
    return [*written, clip, clip[::-1, :, :, 0].copy()]


def _moving(frames: int, height: int, width: int) -> np.ndarray:
    """A bright square that moves to the right over a colour gradient: uint8 [frames, height, width, 3]."""
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    ground = np.stack([across * 2, down * 3, across + down], axis=-1).astype(np.uint8)
    clip = np.repeat(ground[None], frames, axis=0)
    for frame in range(frames):
        clip[frame, 8:16, 2 + 2 * frame : 10 + 2 * frame] = 255
    return clip


def _encoded(clip: np.ndarray, kind: str, codec: str, rate_hz: int) -> bytes:
    import av

    file = BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate_hz)
        stream.height, stream.width = clip.shape[1:3]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for frame in clip:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()
