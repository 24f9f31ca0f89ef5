"""What is particular to each network of texts."""

from __future__ import annotations

import numpy as np
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


def test_the_text_example_is_the_steps_of_an_lstm_written_out() -> None:
    network = text_example.build((3, 10), text_example.Settings(width=4, units=2)).eval()
    weights = {name: value.double().numpy() for name, value in network.state_dict().items()}
    state, memory = np.zeros(2), np.zeros(2)
    for token in (5, 3, 8):
        seen = weights["lstm.weight_ih_l0"] @ weights["words.weight"][token] + weights["lstm.bias_ih_l0"]
        known = weights["lstm.weight_hh_l0"] @ state + weights["lstm.bias_hh_l0"]
        taken_in, kept, candidate, shown = (seen + known).reshape(4, 2)
        memory = sigmoid(kept) * memory + sigmoid(taken_in) * np.tanh(candidate)
        state = sigmoid(shown) * np.tanh(memory)
    found = network(torch.tensor([[5, 3, 8]]))[0].detach().double().numpy()
    np.testing.assert_allclose(found, state, atol=1e-6)


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def test_attention_is_the_softmax_of_products_over_the_root_of_the_width_written_out() -> None:
    torch.manual_seed(0)
    block = transformer.Block(transformer.Settings(width=32)).eval()
    with torch.no_grad():
        block.narrow.weight.zero_()  # leaves attention alone
        block.narrow.bias.zero_()
    tokens = torch.randn(1, 3, 32)
    weights = {name: value.double().numpy() for name, value in block.state_dict().items()}
    given = tokens[0].double().numpy()
    normal = (given - given.mean(1, keepdims=True)) / np.sqrt(given.var(1, keepdims=True) + 1e-5)
    query, key, value = (weights["asked.weight"].reshape(3, 32, 32) @ normal.T).transpose(0, 2, 1)
    expected = given.copy()
    for asking in range(3):
        products = np.array([query[asking] @ key[asked] / 32**0.5 for asked in range(3)])
        shares = np.exp(products) / np.exp(products).sum()
        seen = sum(share * one for share, one in zip(shares, value, strict=True))
        expected[asking] += weights["answered.weight"] @ seen + weights["answered.bias"]
    found = block(tokens, torch.zeros(1, 1, 1, 3))[0].detach().double().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_attention_is_computed_in_float32_on_a_processor_that_halves_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    attend = transformer.F.scaled_dot_product_attention

    def noted(query: torch.Tensor, *others: torch.Tensor, **named: torch.Tensor) -> torch.Tensor:
        asked.append(query.dtype)
        return attend(query, *others, **named)

    monkeypatch.setattr(transformer.F, "scaled_dot_product_attention", noted)
    network = transformer.build((12, 50), transformer.Settings(width=64, depth=1)).eval()
    tokens = torch.randint(1, 50, (3, 12), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        exact = network(tokens)
        with torch.autocast("cpu", torch.bfloat16):
            halved = network(tokens)
    assert asked == [torch.float32, torch.float32]
    torch.testing.assert_close(halved.float(), exact, atol=0.1, rtol=0.1)
