"""Videos become a few frames: which ones, turned how, placed where, and what is said of those that cannot be used."""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penjing.core.errors import DataError, MissingExtra
from penjing.modalities import video
from penjing.modalities.video import Settings, _codec

av = pytest.importorskip("av")
GREY = Settings(frames=8, side=32, channels=1)


def counting(frames: int, height: int = 32, width: int = 32) -> np.ndarray:
    """Flat frames that get brighter evenly: uint8 [frames, height, width, 3]."""
    levels = np.linspace(20, 235, frames).round().astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (frames, height, width, 3)).copy()


def encoded(
    clip: np.ndarray, kind: str = "mp4", codec: str = "mpeg4", rate: int = 10, file: Any = None, **options: str
) -> bytes:
    file = file or BytesIO()
    with av.open(file, "w", format=kind, options=options) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width, stream.bit_rate = *clip.shape[1:3], 4_000_000
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for frame in clip:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue() if isinstance(file, BytesIO) else b""


def brightness(decoded: np.ndarray) -> np.ndarray:
    return decoded.mean(axis=(1, 2, 3))


@pytest.mark.parametrize(
    ("kind", "codec"), [("mp4", "mpeg4"), ("mov", "mjpeg"), ("avi", "mpeg4"), ("matroska", "mpeg4"), ("webm", "vp8")]
)
def test_frames_are_spread_evenly_whatever_the_container(kind: str, codec: str) -> None:
    codec = {"vp8": "libvpx"}.get(codec, codec)
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no encoder {codec}")
    clip = counting(24)
    found = video.decode(encoded(clip, kind, codec), GREY)
    assert found.shape == (8, 32, 32, 1)
    np.testing.assert_allclose(brightness(found), clip[1::3, 0, 0, 0], atol=4)


@pytest.mark.parametrize(("frames", "places"), [(8, range(8)), (16, range(1, 16, 2)), (4, [0, 0, 1, 1, 2, 2, 3, 3])])
def test_each_frame_is_the_one_shown_in_the_middle_of_its_stretch(frames: int, places: Any) -> None:
    np.testing.assert_array_equal(_codec.middles(np.arange(frames), 8), list(places))


def test_time_counts_where_frames_come_unevenly() -> None:
    np.testing.assert_array_equal(_codec.middles(np.array([0, 1, 2, 3, 100]), 4), [3, 3, 3, 4])


def test_a_long_video_gives_the_same_frames_by_jumping(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(counting(60))
    walked = video.decode(content, GREY)
    monkeypatch.setattr(_codec, "LONG", 10)
    np.testing.assert_array_equal(video.decode(content, GREY), walked)


def test_the_header_tells_size_rate_and_length() -> None:
    header = video.probe(encoded(counting(30, 48, 64), rate=15))
    assert (header.frames, header.height, header.width, header.format) == (30, 48, 64, "MOV")
    assert header.rate_hz == pytest.approx(15)
    assert header.seconds == pytest.approx(2)


def turned(content: bytes) -> bytes:
    """The same MP4 whose track says: show me a quarter turn clockwise (16.16 fixed-point matrix of ISO 14496-12)."""
    plain, quarter = ([1, 0, 0, 0, 1, 0, 0, 0, 0x4000], [0, 1, 0, -1, 0, 0, 0, 0, 0x4000])
    as_bytes = [
        b"".join((value << 16).to_bytes(4, "big", signed=True) for value in matrix) for matrix in (plain, quarter)
    ]
    start = content.index(b"tkhd")
    return content[:start] + content[start:].replace(as_bytes[0], as_bytes[1], 1)


def test_frames_are_turned_as_the_file_says() -> None:
    clip = counting(8, 32, 64) // 4
    clip[:, :16, :32] = 250  # top left goes to top right
    content = turned(encoded(clip))
    header = video.probe(content)
    assert (header.height, header.width) == (64, 32)
    found = video.decode(content, Settings(frames=2, side=64, channels=1, fit="squash"))[0, :, :, 0]
    corners = {"top left": found[4, 4], "top right": found[4, -5], "bottom right": found[-5, -5]}
    assert max(corners, key=lambda name: int(corners[name])) == "top right"


def test_whole_frames_get_bars_of_one_colour_through_the_clip() -> None:
    clip = np.random.default_rng(0).integers(0, 256, (8, 10, 20), dtype=np.uint8)
    found = video.decode(clip, Settings(frames=8, side=20, channels=1))[..., 0]
    np.testing.assert_array_equal(found[:, 5:15], clip)
    assert len(np.unique(np.concatenate([found[:, :5], found[:, 15:]], axis=1))) == 1


def test_crop_keeps_the_middle_and_squash_keeps_everything() -> None:
    clip = np.zeros((4, 16, 32), np.uint8)
    clip[:, :, :8] = 200  # only at the left rim
    cropped, squashed = (video.decode(clip, Settings(4, 16, 1, fit)) for fit in ("crop", "squash"))
    assert cropped.max() < 20
    assert squashed[:, :, :3].min() > 180


@pytest.mark.parametrize(
    "values",
    [
        np.arange(4, dtype=np.uint8)[:, None, None] * np.full((4, 8, 8), 50, np.uint8),
        np.arange(4)[:, None, None] * np.full((4, 8, 8), 50 / 255, np.float32),
        (np.arange(4)[:, None, None] * np.full((4, 8, 8), 50 * 257)).astype(np.uint16),
        np.arange(4)[:, None, None, None] * np.full((4, 8, 8, 3), 50),
        np.arange(4)[:, None, None, None] * np.full((4, 3, 8, 8), 50),
    ],
    ids=["uint8", "float", "uint16", "colour", "channels second"],
)
def test_arrays_of_any_kind_give_the_same(values: np.ndarray) -> None:
    found = video.decode(values, Settings(frames=4, side=8, channels=1))
    np.testing.assert_array_equal(found[:, 0, 0, 0], [0, 50, 100, 150])


def test_an_array_of_its_own_size_passes_through_untouched() -> None:
    clip = np.random.default_rng(0).integers(0, 256, (8, 40, 40), dtype=np.uint8)
    np.testing.assert_array_equal(video.decode(clip, Settings(8, 40, 1))[..., 0], clip)


def sound_only() -> bytes:
    file = BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        frame.rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def with_its_index_first(clip: np.ndarray, path: Path) -> bytes:
    encoded(clip, file=str(path), movflags="faststart")
    return path.read_bytes()


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("kind", "codec"), [("mp4", "mpeg4"), ("avi", "mpeg4"), ("matroska", "mpeg4"), ("faststart", "")]
)
def test_half_a_file_is_cut_off(kind: str, codec: str, tmp_path: Path) -> None:
    content = (
        with_its_index_first(noise(), tmp_path / "a.mp4") if kind == "faststart" else encoded(noise(), kind, codec)
    )
    with pytest.raises(DataError, match="cut off"):
        video.decode(content[: len(content) // 2], GREY)


def broken() -> dict[str, tuple[bytes | np.ndarray, str]]:
    return {
        "nothing": (b"", "empty"),
        "text": ("这不是视频。".encode() * 50, "not a video in a known format"),
        "sound only": (sound_only(), "only sound"),
        "one frame": (encoded(counting(1)), "single frame"),
        "an array of one frame": (np.zeros((1, 8, 8)), "single frame"),
        "a picture as an array": (np.zeros((8, 8)), "time×height×width"),
        "NaN": (np.full((2, 8, 8), np.nan), "NaN"),
        "standardised values": (np.full((2, 8, 8), -1.0), "rescale"),
        "words": (np.full((2, 8, 8), "a"), "expected uint8"),
    }


@pytest.mark.parametrize("name", broken())
def test_what_cannot_be_used_is_refused_with_a_reason(name: str) -> None:
    content, said = broken()[name]
    with pytest.raises(DataError, match=said):
        video.decode(content, GREY)


def test_without_pyav_a_file_names_the_extra_and_arrays_still_work(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(counting(4))
    monkeypatch.setitem(sys.modules, "av", None)
    for read in (video.probe, lambda content: video.decode(content, GREY)):
        with pytest.raises(MissingExtra, match=r"av is needed to read videos; .*penjing\[video\]"):
            read(content)
    assert video.decode(counting(8), GREY).shape == (8, 32, 32, 1)


def test_the_decoder_stands_alone_and_loads_no_codec_before_it_is_needed() -> None:
    text = Path(_codec.__file__).read_text(encoding="utf-8")
    assert "penjing" not in text
    assert "\nimport av" not in text
