"""Batches of items of about one length hold little padding, and every item once an epoch."""

from __future__ import annotations

import numpy as np
import torch

from penjing.core.randomness import stream
from penjing.modalities.text.front_end import MARGIN, FrontEnd
from penjing.training._loader import Items, Loader, alike


class Texts:
    """Tokens in memory, as a slot hands them out."""

    def __init__(self, tokens: np.ndarray) -> None:
        self.tokens = tokens

    def take(self, index: np.ndarray) -> np.ndarray:
        return self.tokens[index]


def texts(count: int = 1000, longest: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Tokens from 1, padded to the longest, and their lengths."""
    lengths = np.random.default_rng(0).integers(1, longest + 1, count)
    return np.where(np.arange(longest) < lengths[:, None], 7, 0).astype(np.uint16), lengths


def test_every_item_comes_once_and_batches_hold_items_of_about_one_length() -> None:
    _, lengths = texts()
    order = stream(0, "order", 0).permutation(1000)
    found = alike(order, lengths, 20, stream(0, "order", 1))
    assert sorted(found.tolist()) == list(range(1000))
    spread = np.ptp(lengths[found].reshape(-1, 20), axis=1).mean()
    assert spread < np.ptp(lengths[order].reshape(-1, 20), axis=1).mean() / 5


def test_batches_are_not_sorted_and_change_from_epoch_to_epoch() -> None:
    _, lengths = texts()
    epochs = [
        alike(stream(0, "order", epoch).permutation(1000), lengths, 20, stream(1, "order", epoch)) for epoch in (0, 1)
    ]
    means = lengths[epochs[0]].reshape(-1, 20).mean(1)
    assert abs(np.corrcoef(means, np.arange(50))[0, 1]) < 0.5
    together = [{frozenset(batch) for batch in epoch.reshape(-1, 20).tolist()} for epoch in epochs]
    assert not together[0] & together[1]


def test_an_incomplete_batch_stays_at_the_end() -> None:
    lengths = np.arange(10)
    found = alike(np.arange(10)[::-1], lengths, 4, stream(0, "order", 0))
    assert {frozenset(batch) for batch in found[:8].reshape(2, 4).tolist()} == {
        frozenset({0, 1, 2, 3}),
        frozenset({4, 5, 6, 7}),
    }
    assert found[8:].tolist() == [8, 9]


def test_training_batches_carry_little_padding() -> None:
    tokens, lengths = texts()
    front = FrontEnd({"vocabulary": 10, "length": 60})
    loader = Loader(
        Items({"text": Texts(tokens)}, {"label": np.zeros(1000, np.int64)}),
        np.arange(1000),
        20,
        0,
        {"text": lambda values, _: front.for_training(values)},
        lengths=lengths,
    )
    batches = [loader.batch_at(step) for step in range(50)]
    for batch in batches:
        longest = int(lengths[batch.item.numpy()].max())
        assert batch.only().shape[1] == min(longest + MARGIN, 60)
    shown = sum(batch.only().numel() for batch in batches)
    assert shown < 1.25 * lengths.sum() + 1000 * MARGIN


def test_a_batch_of_empty_texts_keeps_its_padding() -> None:
    front = FrontEnd({"vocabulary": 10, "length": 60})
    assert front.for_training(torch.zeros(3, 60, dtype=torch.int32)).shape == (3, MARGIN)


def test_batches_are_the_same_whether_they_are_made_ahead_or_not() -> None:
    tokens, _ = texts()
    found = []
    for is_ahead in (True, False):
        loader = Loader(Items({"text": Texts(tokens)}, {}), np.arange(1000), 20, 0, is_ahead=is_ahead)
        with loader.batches(7) as batches:
            found.append([next(batches).item.tolist() for _ in range(5)])
        assert loader.stalled_seconds > 0
    assert found[0] == found[1] == [loader.rows_at(step).tolist() for step in range(7, 12)]
