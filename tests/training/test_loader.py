"""Batches of items of about one length hold little padding, and every item once an epoch."""

from __future__ import annotations

import threading
import time

import numpy as np
import torch

from penjing.core.randomness import stream
from penjing.modalities.image.front_end import FrontEnd as PictureFrontEnd
from penjing.modalities.text.front_end import MARGIN, FrontEnd
from penjing.training._loader import CHEAP_SECONDS, MOST_STACKED, Items, Loader, Prepared, alike


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
        frozenset({2, 3, 4, 5}),
        frozenset({6, 7, 8, 9}),
    }
    assert found[8:].tolist() == [1, 0]
    assert alike(np.arange(3), lengths[:3], 4, stream(0, "order", 0)).tolist() == [0, 1, 2]


def test_the_longest_items_are_learned_from_like_all_others() -> None:
    """Of 255 texts in batches of 128 one batch is whole; after sorting it would always be the shorter half."""
    lengths = np.arange(255)
    seen = [
        alike(stream(0, "order", epoch).permutation(255), lengths, 128, stream(1, "order", epoch))[:128]
        for epoch in range(20)
    ]
    longest = np.mean([(epoch >= 127).mean() for epoch in seen])
    assert 0.4 < longest < 0.6


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


def test_padding_is_cut_off_by_lengths_that_are_known_as_by_those_that_are_seen() -> None:
    tokens, lengths = texts()
    front, items = FrontEnd({"vocabulary": 10, "length": 60}), Items({"text": Texts(tokens)}, {})
    rows = np.arange(200, 1000)[::-1].copy()
    seen, known = (
        Loader(items, rows, 20, 0, prepare, lengths=lengths[rows], shorten=shorten)
        for prepare, shorten in (
            ({"text": lambda values, _: front.for_training(values)}, {}),
            ({}, {"text": front.for_training}),
        )
    )
    for step in (0, 7, 39, 40, 95):
        one, other = seen.batch_at(step), known.batch_at(step)
        assert torch.equal(one.only(), other.only())
        assert one.only().shape[1] < 60
        assert one.prepared == other.prepared == {"text"}


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


def pictures(side: int, count: int = 500, batch_size: int = 16) -> Loader:
    """Small batches of grey pictures; the front end takes a stack of them, the preparation one batch and its step."""
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (count, side, side, 1)).astype(np.uint8)
    front = PictureFrontEnd({"mean": [0.5], "std": [0.3]})
    return Loader(
        Items({"image": Texts(pixels)}, {"label": np.arange(count)}, weight=np.arange(count, dtype=np.float64)),
        np.arange(count),
        batch_size,
        0,
        {"image": lambda values, step: values + step},
        by_item={"image": front},
    )


def test_batches_cut_from_one_stack_are_the_batches_made_one_by_one() -> None:
    loader = pictures(side=8)
    with loader.batches(3) as batches:
        for step in range(3, 80):  # over the ends of stacks and of an epoch
            found, alone = next(batches), loader.batch_at(step)
            assert torch.equal(found.only(), alone.only())
            assert torch.equal(found.item, alone.item)
            assert torch.equal(found.targets["label"], found.item)
            assert found.weight is not None
            assert torch.equal(found.weight, found.item.float())
            assert found.only().is_contiguous(memory_format=torch.channels_last)
            assert found.prepared == alone.prepared == {"image"}


def test_a_batch_lies_in_the_same_place_of_its_stack_wherever_a_training_goes_on() -> None:
    places = []
    for first in (0, 5):
        with pictures(side=8).batches(first) as batches:
            places.append({step: next(batches).item.storage_offset() for step in range(first, 20)})
    assert {step: places[0][step] for step in range(5, 20)} == places[1]


def test_batches_of_padded_items_lie_in_the_same_place_wherever_a_training_goes_on() -> None:
    tokens, lengths = texts()
    front = FrontEnd({"vocabulary": 10, "length": 60})
    prepare = {"text": lambda values, _: front.for_training(values)}
    together = [
        Loader(Items({"text": Texts(tokens)}, {}), np.arange(1000), 500, 0, prepare, lengths=lengths)._tried(first)[0]
        for first in range(12)
    ]
    assert together == together[:1] * 12
    assert 1 < together[0] < MOST_STACKED


def test_what_a_front_end_gave_is_made_once_in_blocks_and_kept() -> None:
    made: list[int] = []

    def front(values: torch.Tensor) -> torch.Tensor:
        made.append(len(values))
        return values.float() + 1

    rows = np.arange(100).reshape(50, 2)
    kept = Prepared(Texts(rows), front, 50, 16)
    assert made == [16]  # its shape
    for index in ([3, 40, 3], [4, 41, 49], [0, 1, 2]):
        assert (kept.take(np.array(index)) == rows[index] + 1).all()
    assert made == [16, 16, 16, 2]


def test_large_batches_are_not_stacked() -> None:
    loader = pictures(side=384, count=40)
    with loader.batches(0) as batches:
        assert [next(batches).item.storage_offset() for _ in range(4)] == [0, 0, 0, 0]


def test_batches_that_cost_time_are_made_on_another_thread() -> None:
    here = threading.get_ident()
    seen: list[int] = []

    def slow(values: torch.Tensor, step: int) -> torch.Tensor:
        seen.append(threading.get_ident())
        time.sleep(3 * CHEAP_SECONDS)
        return values

    loader = pictures(side=64, count=40)
    loader.prepare = {"image": slow}
    with loader.batches(0) as batches:
        for _ in range(3):
            next(batches)
    tries = seen.count(here)  # to see what a batch costs
    assert tries in (1, 2)
    assert len(seen) > tries
    assert here not in seen[tries:]
