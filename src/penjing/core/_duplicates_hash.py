"""Which pairs of thumbnails are worth a closer look: a hash of `BITS` bits, searched in sorted bands, never n².

Every bit is the sign of a random mixture of the lowest spatial frequencies, so pictures that look alike share
most bits. A crop moves the frequencies, so every picture is hashed several times: as it is and as if its corners
had been cut away. In each band all hashes are sorted by some of their bits and only neighbours in that order
are compared, so the work grows like n log n whatever the pictures look like, a thousand blank pages included.

Source: random hyperplanes, Charikar (2002); sorted prefixes (LSH forest), Bawa and others (2005); departure: crops
are looked for by hashing cropped versions instead of by probing more buckets.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from jaxtyping import Float, Int, UInt8, UInt64

from penjing.core._duplicates_align import without_bars
from penjing.core.randomness import stream

BITS = 512
BANDS = 12
# Bits by which one band is sorted, and how many of the first must agree for neighbours to be compared.
SORTED_BITS, AGREEING_BITS = 40, 14
NEIGHBOURS = 8
# Bits in which two hashes of one picture may differ.
MOST_DIFFERENT = 76
# The pairs kept where there are more, the most alike first: so many an item, and never fewer than costs seconds.
PAIRS_PER_ITEM, FEWEST_KEPT = 8, 200_000
# Neighbours are compared this many hashes at a time, whose bits are copied.
ENTRIES_AT_ONCE = 65_536
SIDE = 32
LOWEST_FREQUENCIES = 6
CUT = 0.05

# What is left of one axis, as (start, end): all of it, or all but a cut at one end.
_WHOLE, _END_CUT, _START_CUT = (0.0, 1.0), (0.0, 1.0 - CUT), (CUT, 1.0)
VIEWS = ((_WHOLE, _WHOLE), *((y, x) for y in (_END_CUT, _START_CUT) for x in (_END_CUT, _START_CUT)))

# A code is a pair and its difference in one number of 63 bits; the pairs of 90 million items fit in.
_DIFFERENCES = 1024
_PAIRS = 2**53


def hashes(blocks: Iterable[UInt8[np.ndarray, "n side side"]], count: int) -> UInt64[np.ndarray, "items views words"]:
    """The hash of every thumbnail in every view; the `count` thumbnails come in blocks and are never held whole."""
    words = np.empty((count, len(VIEWS), BITS // 64), np.uint64)
    start = 0
    for block in blocks:
        words[start : start + len(block)] = _hash_block(block)
        start += len(block)
    return words


def _hash_block(thumbnails: UInt8[np.ndarray, "n side side"]) -> UInt64[np.ndarray, "n views words"]:
    waves, mix = _mixtures()
    amplitudes = (without_bars(thumbnails).reshape(-1, SIDE * SIDE) @ waves).reshape(len(thumbnails), len(VIEWS), -1)
    return np.stack(
        [np.packbits(amplitudes[:, view] @ mix > 0, axis=1).view(np.uint64) for view in range(len(VIEWS))], axis=1
    )


def candidates(
    words: UInt64[np.ndarray, "n views words"],
    most_different: int = MOST_DIFFERENT,
    advance: Callable[[int], None] | None = None,
) -> Int[np.ndarray, "pairs 2"]:
    """Pairs of items, the smaller number first, whose hashes differ in at most `most_different` bits.

    The most alike come first. A pair is held as one whole number, its *code*, so that millions take little memory.

    Args:
        words: what `hashes` gave.
        advance: called with the number of bands done.
    """
    count, views, _ = words.shape
    entries = words.reshape(count * views, -1)
    most = max(PAIRS_PER_ITEM * count, FEWEST_KEPT)
    kept = np.empty(0, np.int64)
    for done, found in enumerate(_bands(entries, views, most_different, most), start=1):
        kept = _most_alike(np.concatenate([kept, found]), most)
        if advance is not None:
            advance(done)
    kept = _difference_first(kept, back=False)
    kept.sort()
    kept %= _PAIRS
    return np.stack([kept // count, kept % count], axis=1)


def _bands(
    entries: UInt64[np.ndarray, "entries words"], views: int, most_different: int, most: int
) -> Iterator[Int[np.ndarray, " pairs"]]:
    """What every band finds, a few bands at once: all at once would hold the pairs of all."""
    workers = min(2, os.cpu_count() or 1)
    with ThreadPoolExecutor(max_workers=workers) as threads:
        for start in range(0, BANDS, workers):
            some = range(start, min(start + workers, BANDS))
            yield from threads.map(lambda band: _band(entries, views, band, most_different, most), some)


def _most_alike(codes: Int[np.ndarray, " found"], most: int) -> Int[np.ndarray, " kept"]:
    """Every pair once, with its least difference, and no more than `most` pairs, the most alike. Sorts `codes`."""
    codes.sort()
    pairs = codes // _DIFFERENCES
    is_first = np.ones(len(codes), bool)
    np.not_equal(pairs[1:], pairs[:-1], out=is_first[1:])
    codes = codes[is_first]
    if len(codes) <= most:
        return codes
    ranked = _difference_first(codes, back=False)
    ranked.partition(most)
    return _difference_first(ranked[:most], back=True)


def _difference_first(codes: Int[np.ndarray, " codes"], back: bool) -> Int[np.ndarray, " codes"]:
    """Codes that sort by difference and then by pair, instead of by pair and then by difference; or `back` again."""
    high, low = (_PAIRS, _DIFFERENCES) if back else (_DIFFERENCES, _PAIRS)
    return codes % high * low + codes // high


def _band(
    entries: UInt64[np.ndarray, "entries words"], views: int, band: int, most_different: int, most: int
) -> Int[np.ndarray, " pairs"]:
    """The codes that one band finds: (smaller item × number of items + larger item) × differences + bits that differ.

    No more than `most` of them: what is not among these is not among the most alike of all bands either.
    """
    prefixes = _prefixes(entries, band)
    order = np.argsort(prefixes)
    prefixes = prefixes[order]
    found = np.empty(0, np.int64)
    waiting: list[np.ndarray] = []
    for start in range(0, len(order), ENTRIES_AT_ONCE):
        near = slice(start, start + ENTRIES_AT_ONCE + NEIGHBOURS)
        waiting.append(_neighbours(entries, prefixes[near], order[near], views, most_different))
        is_last = start + ENTRIES_AT_ONCE >= len(order)
        if is_last or sum(map(len, waiting)) > most:
            found = _most_alike(np.concatenate([found, *waiting]), most)
            waiting.clear()
    return found


def _neighbours(
    entries: UInt64[np.ndarray, "entries words"],
    prefixes: UInt64[np.ndarray, " near"],
    order: Int[np.ndarray, " near"],
    views: int,
    most_different: int,
) -> Int[np.ndarray, " pairs"]:
    """The codes of those of the first `ENTRIES_AT_ONCE` entries in the order and their next neighbours."""
    near, items, count = entries[order], order // views, len(entries) // views
    found = []
    for step in range(1, NEIGHBOURS + 1):
        alike = (prefixes[step:] ^ prefixes[:-step]) >> np.uint64(SORTED_BITS - AGREEING_BITS) == 0
        at = np.flatnonzero((alike & (items[step:] != items[:-step]))[:ENTRIES_AT_ONCE])
        different = np.bitwise_count(near[at] ^ near[at + step]).sum(axis=1, dtype=np.int64)
        close = different <= most_different
        one, other = items[at[close]], items[at[close] + step]
        pairs = np.minimum(one, other) * count + np.maximum(one, other)
        found.append(pairs * _DIFFERENCES + different[close])
    return np.concatenate(found)


def _prefixes(entries: UInt64[np.ndarray, "entries words"], band: int) -> UInt64[np.ndarray, " entries"]:
    """The bits that one band sorts by, as one number."""
    chosen = stream(0, "duplicates:band", band).choice(BITS // 8, SORTED_BITS // 8, replace=False)
    octets = entries.view(np.uint8)
    prefixes = np.zeros(len(entries), np.uint64)
    for octet in chosen.tolist():
        prefixes = (prefixes << np.uint64(8)) | octets[:, octet]
    return prefixes


@cache
def _mixtures() -> tuple[Float[np.ndarray, "pixels views_waves"], Float[np.ndarray, "waves bits"]]:
    """The low waves of every view, and how the bits mix them."""
    waves = _waves()
    size = np.hypot.outer(np.arange(LOWEST_FREQUENCIES), np.arange(LOWEST_FREQUENCIES))
    used = (size > 0) & (size < LOWEST_FREQUENCIES)
    views = []
    for along_y, along_x in VIEWS:
        rows, columns = waves @ _cut(*along_y), waves @ _cut(*along_x)
        weights = np.einsum("up,vq->pquv", rows, columns)[:, :, used].reshape(SIDE * SIDE, -1)
        views.append(weights - weights.mean(axis=0))  # brightness alone must not matter
    # Pictures hold more of the lower waves; this evens them out a little, so that each decides some bits.
    mix = stream(0, "duplicates:bits").standard_normal((used.sum(), BITS)) * size[used][:, None] ** 0.5
    return np.concatenate(views, axis=1).astype(np.float32), mix.astype(np.float32)


def _waves() -> Float[np.ndarray, "frequencies side"]:
    """The lowest cosine waves along one axis."""
    places = (np.arange(SIDE) + 0.5) / SIDE
    waves: np.ndarray = np.cos(np.pi * np.outer(np.arange(LOWEST_FREQUENCIES), places))
    return waves


def _cut(start: float, end: float) -> Float[np.ndarray, "side side"]:
    """The matrix that reads one axis from `start` to `end` at `SIDE` places."""
    places = (start + (np.arange(SIDE) + 0.5) / SIDE * (end - start)) * SIDE - 0.5
    weights = 1 - np.abs(np.clip(places, 0, SIDE - 1)[:, None] - np.arange(SIDE))
    matrix: np.ndarray = np.clip(weights, 0, 1)
    return matrix
