"""Sounds of every kind become the same clip, and what is no sound is refused with a sentence."""

from __future__ import annotations

import importlib
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from penjing.core.errors import DataError
from penjing.modalities import audio

codec: Any = importlib.import_module("penjing.modalities.audio.decode")  # the package has a function of that name
MESSY = Path(__file__).parents[4] / "shared/data/audio/animal_sounds_messy_originals.zip"


def tone(rate_hz: int, seconds: float, hertz: float = 440.0, level: float = 0.5) -> np.ndarray:
    return level * np.sin(2 * np.pi * hertz * np.arange(round(rate_hz * seconds)) / rate_hz)


def written(values: np.ndarray, rate_hz: int, kind: str = "WAV", codec: str | None = None) -> bytes:
    file = BytesIO()
    soundfile.write(file, values, rate_hz, format=kind, subtype=codec)
    return file.getvalue()


def decoded(
    content: bytes | np.ndarray, rate_hz: int = 8_000, seconds: float = 0.5, cut: str = "loudest"
) -> np.ndarray:
    return audio.decode(content, audio.Settings(rate_hz, seconds, cut))


def refused(content: bytes | np.ndarray) -> str:
    with pytest.raises(DataError) as problem:
        decoded(content)
    return str(problem.value)


def test_a_16_bit_file_of_the_right_rate_and_length_passes_through_exactly() -> None:
    values = np.random.default_rng(0).integers(-32_768, 32_768, 4_000).astype(np.int16)
    np.testing.assert_array_equal(decoded(written(values, 8_000)), values)
    np.testing.assert_array_equal(decoded(written(values, 8_000, "FLAC")), values)


def test_an_int16_array_passes_through_exactly() -> None:
    values = np.random.default_rng(0).integers(-32_768, 32_768, 8_000).astype(np.int16)
    np.testing.assert_array_equal(decoded(values, codec.ARRAY_RATE_HZ), values)


@pytest.mark.parametrize("rate_hz", [11_025, 16_000, 22_050, 44_100, 48_000])
def test_a_tone_is_the_same_tone_at_any_rate(rate_hz: int) -> None:
    found = decoded(written(tone(rate_hz, 0.5), rate_hz)).astype(float)
    np.testing.assert_allclose(found[200:-200], tone(8_000, 0.5)[200:-200] * 32_768, atol=40)


@pytest.mark.parametrize(("kind", "name"), [("OGG", None), ("MP3", None), ("WAV", "PCM_24"), ("WAV", "ULAW")])
def test_the_format_changes_little(kind: str, name: str | None) -> None:
    found = decoded(written(tone(16_000, 0.5), 16_000, kind, name), 16_000).astype(float)
    wanted = tone(16_000, 0.5) * 32_768
    # an encoder may delay the sound, so phases are not compared
    spectra = [np.abs(np.fft.rfft(values[2_000:6_000])) for values in (found, wanted)]
    assert np.abs(spectra[0] - spectra[1]).sum() < 0.2 * spectra[1].sum()


def test_channels_are_averaged() -> None:
    both = np.stack([tone(8_000, 0.5), 0.5 * tone(8_000, 0.5, 600.0)], axis=1)
    np.testing.assert_allclose(decoded(written(both, 8_000)), both.mean(1) * 32_768, atol=2)


def test_channels_that_cancel_are_not_averaged() -> None:
    one = tone(8_000, 0.5)
    found = decoded(written(np.stack([one, -0.99 * one], axis=1), 8_000))
    np.testing.assert_allclose(found, one * 32_768, atol=2)


def test_many_channels_and_both_orders_of_an_array_are_read() -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (4_000, 6))
    expected = np.rint(values.astype(np.float32).mean(1) * 32_768)
    for array in (values, values.T):
        np.testing.assert_allclose(decoded(array, codec.ARRAY_RATE_HZ, 0.25), expected, atol=1)


def test_integer_arrays_are_scaled_by_their_type() -> None:
    values = tone(16_000, 0.25)
    wanted = decoded(values, 16_000, 0.25)
    for array in ((values * 2**31).astype(np.int32), (values * 128 + 128).astype(np.uint8)):
        np.testing.assert_allclose(decoded(array, 16_000, 0.25), wanted, atol=300)


def test_values_beyond_full_scale_are_brought_down_and_not_clipped() -> None:
    found = decoded(written(tone(8_000, 0.5, level=4.0), 8_000, codec="FLOAT"))
    np.testing.assert_allclose(found, tone(8_000, 0.5, level=1.0) * 32_767, atol=40)


def test_short_sounds_are_padded_with_silence_at_both_ends() -> None:
    found = decoded(np.full(1_000, 0.5), codec.ARRAY_RATE_HZ, 0.1)
    assert (found != 0).sum() == 1_000
    assert list(np.flatnonzero(found)[[0, -1]]) == [300, 1_299]
    assert np.flatnonzero(decoded(np.full(1_000, 0.5), codec.ARRAY_RATE_HZ, 0.1, "start"))[0] == 0


@pytest.mark.parametrize(("cut", "first"), [("loudest", 9_000), ("centre", 5_000), ("start", 0)])
def test_long_sounds_are_cut(cut: str, first: int) -> None:
    values = np.linspace(0.1, 0.11, 16_000)
    values[9_100:9_900] = 0.9
    values[9_900:] = 0.0
    found = decoded(values, codec.ARRAY_RATE_HZ, 0.375 if cut == "centre" else 0.05625, cut)
    wanted = np.rint(values.astype(np.float32) * 32_768)
    assert np.array_equal(found, wanted[first : first + len(found)])


@pytest.mark.parametrize("seconds", [0.01, 600.0])
def test_very_short_and_very_long_sounds_are_read(seconds: float) -> None:
    found = decoded(written(tone(8_000, seconds), 8_000))
    assert found.shape == (4_000,)
    assert np.abs(found).max() > 16_000


def test_a_single_sample_survives_resampling() -> None:
    assert decoded(written(np.array([0.5]), 48_000)).shape == (4_000,)


def test_silence_is_a_sound() -> None:
    assert not decoded(written(np.zeros(4_000), 8_000)).any()


def test_not_finite_samples_are_counted() -> None:
    values = tone(8_000, 0.5)
    values[[3, 5]] = np.nan, np.inf
    expected = "2 of its 4000 samples are NaN or infinite; mend them or leave the item out"
    assert refused(written(values, 8_000, codec="FLOAT")) == expected
    assert refused(values) == expected


def test_an_empty_file_is_named_as_one() -> None:
    assert refused(b"") == "the file is empty (0 bytes)"
    assert refused(written(np.zeros(0), 8_000)) == "it holds no samples (0 seconds); record it again or leave it out"


@pytest.mark.parametrize(
    "content", [b"garbage", b"\x89PNG\r\n" + bytes(500), b"\xff\xfb\x90\x00" + bytes(range(256)) * 9]
)
def test_what_is_no_sound_is_named_as_such(content: bytes) -> None:
    assert refused(content) == "it is not a sound in a known format; expected WAV, FLAC, OGG, MP3, AIFF or AU"


def test_a_wav_that_is_cut_off_is_refused_and_says_how_much_is_missing() -> None:
    content = written(tone(8_000, 0.5), 8_000)
    assert refused(content[:4_044]) == "the file is cut off (50% of its samples are missing); copy or download it again"
    with pytest.raises(DataError, match="cut off"):
        audio.probe(content[:4_044])


@pytest.mark.parametrize("kind", ["FLAC", "OGG", "MP3"])
def test_other_files_that_are_cut_off_are_refused(kind: str) -> None:
    content = written(tone(16_000, 3.0), 16_000, kind)
    assert "file is" in refused(content[: len(content) // 3])


def test_a_wav_written_to_a_pipe_does_not_know_its_size_and_is_read() -> None:
    content = bytearray(written(tone(8_000, 0.5), 8_000))
    place = bytes(content).index(b"data")
    struct.pack_into("<I", content, 4, 0xFFFFFFFF)
    struct.pack_into("<I", content, place + 4, 0xFFFFFFFF)
    np.testing.assert_array_equal(decoded(bytes(content)), decoded(written(tone(8_000, 0.5), 8_000)))


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((2, 3, 4)), "the array has shape 2×3×4; expected samples, samples×channels or channels×samples"),
        (np.zeros(0), "the array has shape 0; expected samples, samples×channels or channels×samples"),
        (np.array(["a"]), "the array holds <U1 values; expected int16, int32 or float"),
    ],
)
def test_arrays_that_are_no_sounds_are_refused(array: np.ndarray, said: str) -> None:
    assert refused(array) == said


def test_too_long_a_sound_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "MOST_SAMPLES", 1_000)
    assert refused(written(tone(8_000, 0.5), 8_000)).startswith("it is too long (4000 samples)")


def messy() -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(MESSY) as archive:
        for name in archive.namelist():
            if name.endswith(".wav"):
                yield name, archive.read(name)


@pytest.mark.skipif(not MESSY.is_file(), reason="the messy recordings are not here")
def test_messy_real_recordings_are_all_read() -> None:
    found = {name: (audio.probe(content), decoded(content, 16_000, 2.0)) for name, content in messy()}
    headers = [header for header, _ in found.values()]
    assert len(found) == 54
    assert {"MPEG_LAYER_III", "PCM_U8", "PCM_16"} <= {header.codec for header in headers}
    assert {header.channels for header in headers} == {1, 2}
    assert all(np.abs(clip).max() > 100 for _, clip in found.values())


def test_the_decoder_imports_numpy_and_the_codecs_only() -> None:
    text = Path(codec.__file__ or "").read_text(encoding="utf-8")
    assert "penjing" not in text
    code = f"import sys; exec(compile({text!r}, 'decode', 'exec')); sys.exit('soundfile' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
