"""What is particular to each network of texts."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from penjing.models import bag, ngrams, text_cnn, text_example, transformer
from penjing.models._layers import hashed_runs


def test_runs_of_tokens_are_hashed_by_their_content_and_order() -> None:
    tokens = torch.tensor([[5, 6, 5, 6, 0], [6, 5, 0, 0, 0]])
    pairs, triples = hashed_runs(tokens, 3, 1000)
    assert pairs[0, 0] == pairs[0, 2] != pairs[0, 1] == pairs[1, 0]
    assert (pairs != 0).sum(1).tolist() == [3, 1]
    assert (triples != 0).sum(1).tolist() == [2, 0]
    assert pairs.max() < 1000


def test_the_largest_tokens_do_not_overflow_the_hash() -> None:
    for run in hashed_runs(torch.full((1, 4), 2**31 - 1), 4, 100):
        assert (run >= 0).all()


@pytest.mark.parametrize("longest", [1, 2, 3, 4])
def test_the_bag_takes_runs_of_any_length_also_in_texts_shorter_than_them(longest: int) -> None:
    settings = bag.Settings(longest=longest)
    network = bag.build((2, 50), settings)
    loss = network(torch.tensor([[3, 4], [5, 0], [0, 0]])).square().sum()
    loss.backward()
    assert torch.isfinite(loss)
    assert all(weight.grad is not None for weight in network.parameters())


def test_a_bag_of_single_tokens_does_not_see_their_order_and_one_of_pairs_does() -> None:
    texts = torch.tensor([[3, 4, 5], [5, 3, 4]])
    alone, pairs = (bag.build((3, 50), bag.Settings(longest=longest)).eval()(texts) for longest in (1, 2))
    torch.testing.assert_close(alone[0], alone[1])
    assert not torch.allclose(pairs[0], pairs[1])


def test_the_bag_is_the_sum_over_the_root_of_the_count_beside_the_maximum() -> None:
    network = bag.build((4, 50), bag.Settings()).eval()
    a, b = network.words.weight[7], network.words.weight[9]
    expected = torch.cat([(a + b) / 2**0.5, torch.stack([a, b, torch.zeros_like(a)]).amax(0)])
    torch.testing.assert_close(network(torch.tensor([[7, 9, 0, 0]]))[0], expected)


@pytest.mark.parametrize("module", [bag, text_example, transformer])
def test_padding_does_not_change_an_answer(module: object) -> None:
    network = module.build((6, 50), module.Settings()).eval()  # type: ignore[attr-defined]
    short, long = torch.tensor([[3, 4, 5]]), torch.tensor([[3, 4, 5, 0, 0, 0]])
    torch.testing.assert_close(network(short)[:, : network.features // 2], network(long)[:, : network.features // 2])


def test_padding_of_the_embedding_is_zero_and_stays_so() -> None:
    network = text_cnn.build((6, 50), text_cnn.Settings())
    network(torch.tensor([[3, 0, 0]])).sum().backward()
    assert (network.words.weight[0] == 0).all()
    assert (network.words.weight.grad[0] == 0).all()


def test_the_text_example_has_the_published_number_of_weights() -> None:
    network = nn.Sequential(text_example.build((80, 20_000), text_example.Settings()), nn.Linear(128, 1))
    # Keras counts one bias a gate, PyTorch two: the second is there and begins at zero.
    published = 20_000 * 128 + 4 * (128 * 128 + 128 * 128 + 128) + 128 + 1
    assert sum(weight.numel() for weight in network.parameters()) == published + 4 * 128


def test_the_lstm_begins_as_keras_draws_it() -> None:
    lstm = text_example.Lstm(16, 8, batch_first=True)
    recurrent = lstm.weight_hh_l0.detach()
    torch.testing.assert_close(recurrent.T @ recurrent, torch.eye(8), atol=1e-5, rtol=0)
    assert lstm.bias_ih_l0.tolist() == [0.0] * 8 + [1.0] * 8 + [0.0] * 16
    assert lstm.weight_ih_l0.abs().max() <= (6 / (16 + 4 * 8)) ** 0.5


def test_both_dropouts_of_the_text_example_are_off_when_predicting() -> None:
    network = text_example.build((5, 50), text_example.Settings(dropout=0.5, recurrent_dropout=0.5))
    texts = torch.tensor([[3, 4, 5, 6, 7]])
    assert not torch.equal(network(texts), network(texts))
    network.eval()
    assert torch.equal(network(texts), network(texts))


def test_ngrams_tell_the_order_of_tokens_by_their_runs_alone() -> None:
    network = ngrams.build((3, 50), ngrams.Settings()).eval()
    one, other = network(torch.tensor([[3, 4, 5], [5, 3, 4]]))
    torch.testing.assert_close(one[:64], other[:64])
    assert not torch.allclose(one[64:], other[64:])


def test_the_wide_layer_is_the_scaled_sum_over_the_root_of_the_number_of_runs() -> None:
    network = ngrams.build((4, 50), ngrams.Settings(scale=0.3)).eval()
    texts = torch.tensor([[7, 9, 0, 0]])
    (pairs,) = hashed_runs(texts, 2, network.buckets)
    parts = network.runs.weight[torch.tensor([8, 10, int(pairs[0, 0])])]
    torch.testing.assert_close(network(texts)[0, 64:], 0.3 * parts.sum(0) / 3**0.5)


def test_padding_does_not_change_the_sums_of_ngrams() -> None:
    network = ngrams.build((6, 50), ngrams.Settings()).eval()
    short, long = network(torch.tensor([[3, 4, 5]])), network(torch.tensor([[3, 4, 5, 0, 0, 0]]))
    for part in (slice(0, 32), slice(64, 80)):  # between them is the maximum, which sees padding as zeros
        torch.testing.assert_close(short[:, part], long[:, part])
