from __future__ import annotations

import tracemalloc

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.core import _duplicates_align as align
from penjing.core import _duplicates_check, duplicates
from penjing.core import _duplicates_hash as hashing
from penjing.core.duplicates import Pairs, find_pairs, groups, joined

MOST_CANDIDATE_BYTES = 1500  # an item; before pairs were one number each and bands were cut up it took 7,600


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """Smooth random grey pictures, uint8 [count, 32, 32], unlike one another."""
    generator = np.random.default_rng(seed)
    waves = np.cos(np.pi * np.outer(np.arange(7), (np.arange(64) + 0.5) / 64))
    amplitude = generator.standard_normal((count, 7, 7)) / (1 + np.hypot.outer(np.arange(7), np.arange(7)))
    large = np.einsum("nuv,up,vq->npq", amplitude, waves, waves)
    large = (large - large.mean((1, 2), keepdims=True)) / large.std((1, 2), keepdims=True)
    return np.clip(128 + 45 * large, 0, 255).astype(np.uint8).reshape(count, 32, 2, 32, 2).mean((2, 4)).astype(np.uint8)


def names(count: int) -> list[str]:
    return [f"{number:06x}" for number in range(count)]


def shown(pairs: Pairs) -> set[tuple[int, int, str]]:
    ends = zip(pairs.a.tolist(), pairs.b.tolist(), pairs.kind.tolist(), strict=True)
    return {(min(a, b), max(a, b), kind) for a, b, kind in ends}


def test_equal_content_is_an_exact_pair_and_equal_pixels_too():
    images = pictures(50)
    images[7], images[9] = images[3], images[4]
    hashes = names(50)
    hashes[7] = hashes[3]
    assert shown(find_pairs(hashes, images)) == {(3, 7, "exact"), (4, 9, "exact")}


def test_exact_copies_across_classes_are_one_group():
    images = np.concatenate([pictures(20)] * 2)
    pairs = find_pairs(names(20) * 2, images, np.repeat([0, 1], 20))
    group = groups(40, pairs)
    assert (group[:20] == group[20:]).all()
    assert len(np.unique(group)) == 20


def test_many_copies_of_one_item_make_one_pair_each():
    pairs = find_pairs(["same"] * 500, np.repeat(pictures(1), 500, axis=0))
    assert len(pairs) == 499
    assert len(np.unique(groups(500, pairs))) == 1


def test_planted_copies_are_found_and_nothing_else_is():
    images = pictures(400)
    brighter = np.clip(images * 1.2, 0, 255).astype(np.uint8)
    noisy = np.clip(images + np.random.default_rng(1).normal(0, 3, images.shape), 0, 255).astype(np.uint8)
    pairs = find_pairs(names(1200), np.concatenate([images, brighter, noisy]), np.tile(np.arange(400) % 5, 3))
    group = groups(1200, pairs)
    assert (group[400:800] == group[:400]).mean() >= 0.99
    assert (group[800:] == group[:400]).mean() >= 0.99
    assert len(np.unique(group)) >= 396


def test_unreadable_items_are_in_no_pair():
    images = np.repeat(pictures(1), 3, axis=0)
    assert shown(find_pairs(["a", None, "b"], images)) == {(0, 2, "exact")}
    assert len(find_pairs([None, None], images[:2])) == 0
    assert len(find_pairs([], images[:0])) == 0


def test_flat_pictures_are_not_alike_unless_their_content_is_equal():
    flat = np.repeat(np.arange(0, 200, 2, dtype=np.uint8), 5)[:, None, None] * np.ones((1, 32, 32), np.uint8)
    hashes = names(500)
    hashes[499] = hashes[0]
    assert shown(find_pairs(hashes, flat)) == {(0, 499, "exact")}


def test_blank_pages_with_scanner_noise_are_not_copies_of_each_other():
    generator = np.random.default_rng(0)
    pages = np.clip(250 + generator.normal(0, 6, (1000, 32, 32)), 0, 255).astype(np.uint8)
    pairs = find_pairs(names(1000), pages)
    assert (pairs.kind == "near").sum() == 0


def test_where_everything_looks_alike_the_check_tightens_and_says_so():
    generator = np.random.default_rng(0)
    base = pictures(1).astype(float)
    strength = generator.uniform(0.02, 1, 600)[:, None, None]
    alike = np.clip(base + strength * (pictures(600, 1) - 128.0), 0, 255).astype(np.uint8)
    pairs = find_pairs(names(600), alike, np.arange(600) % 2)
    assert pairs.threshold < duplicates.MOST_MISFIT
    assert len(pairs.said) == 1
    assert "have a look-alike" in pairs.said[0]


@pytest.mark.parametrize("copies", [2, 5])
def test_order_of_the_items_changes_no_pair(copies):
    images = np.concatenate([pictures(100)] * copies)
    images = np.clip(images + np.random.default_rng(2).normal(0, 4, images.shape), 0, 255).astype(np.uint8)
    count = len(images)
    order = np.random.default_rng(3).permutation(count)
    one = find_pairs(names(count), images)
    other = find_pairs([names(count)[row] for row in order], images[order])
    back = {(min(order[a], order[b]), max(order[a], order[b]), kind) for a, b, kind in shown(other)}
    assert shown(one) == back


def test_misfit_is_zero_for_a_copy_and_large_for_another_picture_or_a_negative():
    images = pictures(50)
    assert align.misfit(images, images).max() < 1e-4
    assert align.misfit(images, np.clip(images * 0.8 + 10, 0, 255).astype(np.uint8)).max() < 1e-3
    assert align.misfit(images[:25], images[25:]).min() > duplicates.MOST_MISFIT
    assert align.misfit(images, 255 - images).min() > duplicates.MOST_MISFIT


def near(count: int, links: list[tuple[int, int]]) -> Pairs:
    ends = np.array(links, np.int64).reshape(-1, 2)
    return Pairs(ends[:, 0], ends[:, 1], np.full(len(ends), "near"), 0.04)


def test_a_chain_is_cut_where_no_member_is_like_all_the_others():
    assert groups(3, near(3, [(0, 1), (1, 2)])).tolist() == [1, 1, 1]
    chain = groups(6, near(6, [(number, number + 1) for number in range(5)]))
    assert np.unique(chain, return_counts=True)[1].max() <= 3


@settings(max_examples=100)
@given(st.integers(2, 40), st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=80))
def test_every_member_of_a_group_is_linked_to_its_centre(count, links):
    links = sorted({(min(a, b), max(a, b)) for a, b in links if a != b and max(a, b) < count})
    group = groups(count, near(count, links))
    linked = set(links)
    for item, centre in enumerate(group.tolist()):
        assert item == centre or (min(item, centre), max(item, centre)) in linked
        assert group[centre] == centre


def test_joined_keeps_together_what_either_grouping_does():
    assert joined(np.array([0, 0, 2, 3, 4]), np.array([9, 8, 8, 7, 7])).tolist() == [0, 0, 0, 3, 3]
    assert joined(np.empty(0, int), np.empty(0, int)).tolist() == []


def test_letterbox_bars_do_not_hide_a_crop():
    inner = pictures(40)[:, 6:26]
    barred = np.full((40, 32, 32), 90, np.uint8)
    barred[:, 6:26] = inner
    stretched = align.without_bars(barred)
    assert np.ptp(stretched, axis=2).min() > 0
    digit = np.zeros((1, 32, 32), np.uint8)
    digit[0, 6:26, 8:24] = pictures(1)[0, 6:26, 8:24]
    assert (align.without_bars(digit) == digit).all()


class OnDisk:
    """Thumbnails that are read when they are asked for; remembers how many were asked for at once."""

    def __init__(self, images: np.ndarray) -> None:
        self.images, self.most = images, 0

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        picked = self.images[index]
        self.most = max(self.most, len(picked))
        return picked


def test_thumbnails_are_read_a_block_at_a_time_and_the_pairs_are_the_same(monkeypatch):
    images = np.concatenate([pictures(200)] * 3)
    images = np.clip(images + np.random.default_rng(1).normal(0, 4, images.shape), 0, 255).astype(np.uint8)
    monkeypatch.setattr(_duplicates_check, "SAMPLE", 60)
    whole = find_pairs(names(600), images)
    monkeypatch.setattr(duplicates, "BLOCK", 64)
    on_disk = OnDisk(images)
    pairs = find_pairs(pl.Series(names(600)), on_disk)
    assert shown(pairs) == shown(whole)
    assert len(pairs) >= 400
    assert 0 < on_disk.most <= 600 / _duplicates_check.FEWEST_BLOCKS


def candidate_bytes(count: int) -> float:
    """What looking for candidates holds at its peak for each item, beside the hashes, where all have look-alikes."""
    random = np.random.default_rng(0)
    kinds = random.integers(0, 2**63, (count // 20, 1, hashing.BITS // 64), dtype=np.uint64)
    words = np.repeat(kinds[random.integers(0, len(kinds), count)], len(hashing.VIEWS), axis=1)
    words ^= np.uint64(1) << random.integers(0, 64, words.shape, dtype=np.uint64)
    tracemalloc.start()
    found = hashing.candidates(words)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) >= 5 * count
    return peak / count


def test_looking_for_candidates_holds_little_beside_the_hashes(monkeypatch):
    monkeypatch.setattr(hashing, "FEWEST_KEPT", 0)
    monkeypatch.setattr(hashing, "ENTRIES_AT_ONCE", 4096)  # what does not grow with the items must not drown what does
    assert candidate_bytes(10_000) < MOST_CANDIDATE_BYTES


@pytest.mark.parametrize("most", [0, 10_000])
def test_the_most_alike_candidates_are_kept_however_they_are_cut_up(monkeypatch, most):
    random = np.random.default_rng(0)
    words = np.repeat(random.integers(0, 2**63, (30, 1, 8), dtype=np.uint64)[np.arange(600) % 30], 5, axis=1)
    for _ in range(20):
        words ^= np.uint64(1) << random.integers(0, 64, words.shape, dtype=np.uint64)
    monkeypatch.setattr(hashing, "FEWEST_KEPT", most)
    monkeypatch.setattr(hashing, "PAIRS_PER_ITEM", 1)
    whole = hashing.candidates(words, 256)
    monkeypatch.setattr(hashing, "ENTRIES_AT_ONCE", 100)
    cut = hashing.candidates(words, 256)
    np.testing.assert_array_equal(whole, cut)
    assert (len(whole) == 600) == (most == 0)
