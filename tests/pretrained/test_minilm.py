"""MiniLM: texts that mean alike lie near each other; empty, missing, Chinese and enormous ones are survived."""

from __future__ import annotations

import numpy as np
import pytest

from penjing.pretrained import minilm

pytestmark = pytest.mark.skipif(not minilm.is_available(), reason=minilm.INSTALL)


@pytest.fixture(scope="module")
def embed():
    return minilm.load(minilm.Settings())


def test_texts_that_mean_alike_lie_near_each_other(embed):
    found = embed(["The cat sleeps on the sofa.", "A kitten is napping on a couch.", "Share prices fell on Monday."])
    alike = found @ found.T
    assert alike[0, 1] > alike[0, 2] + 0.3
    np.testing.assert_allclose(np.diag(alike), 1, atol=1e-5)


@pytest.mark.parametrize("nothing", ["", " \t\n", None])
def test_where_there_is_no_text_there_is_nothing(embed, nothing):
    found = embed(["words", nothing])
    assert np.abs(found[1]).max() == 0
    assert np.linalg.norm(found[0]) == pytest.approx(1, abs=1e-5)


def test_chinese_is_read_character_by_character(embed):
    found = embed(["我喜欢这家酒店", "我不喜欢这家酒店", "股市今天下跌"])
    alike = found @ found.T
    assert alike[0, 1] > alike[0, 2]
    assert alike[0, 1] < 1 - 1e-4


def test_of_an_enormous_text_the_beginning_is_read(embed):
    begin = "a quiet film about a lighthouse keeper " * 60
    np.testing.assert_allclose(embed([begin + "and his dog " * 100_000]), embed([begin + "!"]), atol=1e-5)


def test_fewer_tokens_read_less():
    brief = minilm.load(minilm.Settings(tokens=6))
    alike = brief(["one two three four, and then", "one two three four or never"])
    np.testing.assert_allclose(alike[0], alike[1], atol=1e-5)
