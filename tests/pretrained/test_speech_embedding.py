"""Google's speech embedding: clips of any rate and length, silence, and how levels are taken."""

from __future__ import annotations

import numpy as np
import pytest

from penjing.core.errors import DataError
from penjing.pretrained import speech_embedding

pytestmark = pytest.mark.skipif(not speech_embedding.is_available(), reason=speech_embedding.INSTALL)


@pytest.fixture(scope="module")
def embed():
    return speech_embedding.load(speech_embedding.Settings())


def a_sound(seconds, rate_hz, pitch=200):
    moments = np.arange(round(seconds * rate_hz)) / rate_hz
    return (8000 * np.sin(2 * np.pi * pitch * moments * (1 + moments))).astype(np.int16)[None]


def alikeness(one, other):
    return float((one * other).sum() / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize("samples", [1, 160, 400, 12_000, 12_512, 12_513, 48_000])
def test_it_takes_clips_of_any_length_also_silence(embed, samples):
    found = embed(np.zeros((2, samples), np.int16), 16_000)
    assert found.shape == (2, 288)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("rate_hz", [4_000, 8_000, 11_025, 44_100])
def test_the_rate_hardly_matters(embed, rate_hz):
    usual = embed(a_sound(1.5, 16_000), 16_000)
    other = embed(a_sound(1.5, 16_000, 700), 16_000)
    same = embed(a_sound(1.5, rate_hz), rate_hz)
    assert alikeness(usual, same) > alikeness(usual, other)
    assert alikeness(usual, same) > 0.9


def test_a_quiet_clip_is_not_floored_by_a_loud_neighbour(embed):
    quiet, loud = a_sound(1, 16_000) // 2000, a_sound(1, 16_000, 900) * 4
    together = embed(np.concatenate([quiet, loud]), 16_000)
    np.testing.assert_allclose(together[0], embed(quiet, 16_000)[0], rtol=1e-4, atol=1e-3)


def test_a_shorter_stride_takes_more_vectors_of_the_same_clip():
    fine = speech_embedding.load(speech_embedding.Settings(stride=4))(a_sound(2, 16_000), 16_000)
    usual = speech_embedding.load(speech_embedding.Settings())(a_sound(2, 16_000), 16_000)
    assert (fine[:, 96:192] >= usual[:, 96:192] - 1e-3).all()  # the greatest of more vectors
    assert np.abs(fine - usual).max() > 1e-3


@pytest.mark.parametrize("values", [np.zeros(16_000, np.int16), np.zeros((1, 16_000), np.float32)])
def test_what_is_not_clips_is_refused_with_a_sentence(embed, values):
    with pytest.raises(DataError, match=r"expected int16 \[n, samples\]"):
        embed(values, 16_000)
