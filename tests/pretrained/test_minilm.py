"""MiniLM: texts that mean alike lie near each other; empty, missing, Chinese and enormous ones are survived."""

from __future__ import annotations

import numpy as np
import pytest

from penjing.core.errors import UsageError
from penjing.pretrained import _package, minilm

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


def test_earlier_layers_stand_before_the_last_one_each_of_length_one(embed):
    texts = ["a quiet film", "", "no, thanks"]
    found = minilm.load(minilm.Settings(layers=3))(texts)
    assert found.shape == (3, *minilm.shape(minilm.Settings(layers=3))) == (3, 3 * minilm.FEATURES)
    np.testing.assert_array_equal(found[:, -minilm.FEATURES :], embed(texts))
    lengths = np.linalg.norm(found.reshape(3, 3, minilm.FEATURES), axis=2)
    np.testing.assert_allclose(lengths[[0, 2]], 1, atol=1e-5)
    assert np.abs(found[1]).max() == 0
    assert np.abs(found[0, : minilm.FEATURES] - found[0, minilm.FEATURES : 2 * minilm.FEATURES]).max() > 0.05


@pytest.mark.parametrize("layers", [0, 7])
def test_no_more_layers_than_the_network_has(layers):
    with pytest.raises(UsageError, match=f"6 layers, and layers = {layers}"):
        minilm.load(minilm.Settings(layers=layers))


def test_the_inner_outputs_are_those_that_the_package_onnx_gives():
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    weights, _ = minilm._files()
    graph = onnx.load(str(weights))
    graph.graph.output.append(onnx.helper.make_tensor_value_info("layer_norm_10", onnx.TensorProto.FLOAT, None))
    theirs = onnxruntime.InferenceSession(graph.SerializeToString())
    ours = _package.session(weights, ["layer_norm_10"])
    ids = np.array([[101, 2023, 3185, 102]])
    given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    (expected,), (found,) = (one.run(["layer_norm_10"], given) for one in (theirs, ours))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_short_names_of_classes_are_written_out_as_words_that_belong_together(embed):
    assert minilm._completed(["neg", "pos"], embed) == ["negative", "positive"]
    assert minilm._completed(["neg", "neu", "pos"], embed) == ["negative", "neutral", "positive"]
    assert minilm._completed(["sports", "42", "a b"], embed) == ["sports", "42", "a b"]


def test_the_name_of_a_class_is_nearer_to_its_own_texts(embed):
    names = minilm.meaning(["Sports_News", "neg"], minilm.Settings())
    assert names.shape == (2, minilm.FEATURES)
    text = embed(["the match ended with a late goal"])[0]
    assert text @ names[0] > text @ names[1]
