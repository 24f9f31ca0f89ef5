"""The plan for a set of sounds, and what simple models see of one."""

from __future__ import annotations

import numpy as np
import pytest

from penjing.core.errors import DataError
from penjing.modalities import audio
from penjing.modalities.audio import Header, Settings


def header(seconds: float = 1.0, rate_hz: int = 8_000) -> Header:
    return Header(rate_hz, seconds, 1, "WAV", "PCM_16")


def test_the_rate_is_the_most_common_one_and_high_ones_count_as_16_khz() -> None:
    assert audio.plan([header(rate_hz=rate) for rate in (8_000, 8_000, 44_100)], 0).rate_hz == 8_000
    assert audio.plan([header(rate_hz=rate) for rate in (8_000, 8_000, 44_100, 48_000, 22_050)], 0).rate_hz == 16_000
    assert audio.plan([header(rate_hz=rate) for rate in (8_000, 16_000)], 0).rate_hz == 16_000


def test_nearly_all_sounds_fit_whole_and_a_long_one_does_not_decide() -> None:
    headers = [header(0.5)] * 97 + [header(600.0)] * 3
    assert audio.plan(headers, 0).seconds == 0.5
    assert audio.plan([header(0.512)], 0).seconds == 0.55


def test_lengths_have_bounds() -> None:
    assert audio.plan([header(0.001)], 0).seconds == audio.LEAST_SECONDS
    assert audio.plan([header(600.0)], 0).seconds == audio.MOST_SECONDS


def test_no_sounds_cannot_be_planned() -> None:
    with pytest.raises(DataError, match="none of the sounds could be read"):
        audio.plan([], 0)


def test_the_plan_is_said() -> None:
    headers = [header(0.3), *[header(0.5)] * 30, header(3.0, 44_100)]
    assert audio.why(Settings(8_000, 0.5), headers) == (
        "sounds of 0.3 to 3 s at 8,000 to 44,100 Hz are brought to 0.5 s at 8,000 Hz, mono: "
        "shorter ones are padded with silence; of 1 longer ones the loudest stretch is kept"
    )
    assert audio.why(Settings(8_000, 1.0), [header()]) == (
        "sounds are used at their own length and rate, 1 s at 8,000 Hz, mono"
    )


def test_the_form_has_the_clips_shape() -> None:
    form = audio.form(Settings(8_000, 0.35))
    assert (form.shape, form.dtype) == ((2_800,), "int16")


def test_a_header_says_what_the_file_is() -> None:
    found = [audio.probe(content) for content in audio.samples()]
    assert [item.format for item in found] == ["WAV", "FLAC", "OGG", "MP3", "WAV", "WAV", "array"]
    assert [item.rate_hz for item in found] == [16_000, 44_100, 22_050, 16_000, 8_000, 8_000, 16_000]
    assert found[1].channels == 2
    assert found[1].seconds == pytest.approx(0.8)


def clip(hertz: float, level: float = 0.5, count: int = 8_000) -> np.ndarray:
    time = np.arange(count) / 16_000
    return np.rint(level * 32_767 * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


def test_features_do_not_see_the_volume() -> None:
    loud, quiet = audio.features(np.stack([clip(440), clip(440, 0.05)]))
    np.testing.assert_allclose(loud, quiet, atol=0.2)


def test_features_tell_tones_apart() -> None:
    low, high, low_again = audio.features(np.stack([clip(300), clip(3_000), clip(310)]))
    assert np.linalg.norm(low - high) > 3 * np.linalg.norm(low - low_again)


def test_features_of_silence_and_of_very_short_clips_are_finite() -> None:
    assert np.isfinite(audio.features(np.zeros((2, 4_000), np.int16))).all()
    assert np.isfinite(audio.features(np.ones((2, 3), np.int16))).all()
    assert audio.features(np.zeros((0, 4_000), np.int16)).shape[0] == 0
