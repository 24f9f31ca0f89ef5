"""Which items are the same picture: exact copies, and near ones: recompressed, resized, cropped or brightened.

Near copies must not straddle the parts of a split, or the test score is flattered. Pictures that merely look
alike must stay apart, or nothing is left to split. So every near pair is confirmed on thumbnails, groups are
never chained, and a self-check on the data themselves tightens the threshold where unrelated items would match.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int, UInt8

from penjing.core import _duplicates_align as align
from penjing.core import _duplicates_hash as hashing
from penjing.core._duplicates_check import choose_threshold
from penjing.core.events import Finished, Progress, Said, Started, Watch, tell

STAGE = "looking for duplicates"
# The standard deviation, in grey levels, under which a thumbnail is too flat to be recognised.
FLAT = 3.0
# The largest misfit of a near duplicate; the self-check may lower it.
MOST_MISFIT = 0.04
# One round of fitting already tells most unrelated pairs: this many times the threshold is out of reach of the rest.
FIRST_ROUND_FACTOR = 3.0
LEAST_DIFFERENT_BITS = 16
BLOCK = 8192


@dataclass(frozen=True)
class Pairs:
    """Pairs of items that show the same picture.

    Attributes:
        a, b: row numbers of the two items.
        kind: "exact" (same content, or the same pixels) or "near", pair by pair. Of k exact copies the first is
            paired with each of the others, so there are k − 1 pairs.
        threshold: the largest misfit that counted as near; 0 where only exact duplicates were looked for.
        said: what the self-check found, in plain sentences; empty when there is nothing to say.
    """

    a: Int[np.ndarray, " pairs"]
    b: Int[np.ndarray, " pairs"]
    kind: np.ndarray
    threshold: float
    said: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.a)

    def frame(self) -> pl.DataFrame:
        """The same pairs as a table with columns a, b and kind."""
        return pl.DataFrame(
            {"a": self.a, "b": self.b, "kind": self.kind.tolist()}, schema_overrides={"kind": pl.String}
        )


def find_pairs(
    content_hashes: Sequence[str | None],
    thumbnails: UInt8[np.ndarray, "items side side"],
    classes: Int[np.ndarray, " items"] | None = None,
    watch: Watch = None,
    *,
    is_sealed: Bool[np.ndarray, " items"] | None = None,
) -> Pairs:
    """The pairs of items that show the same picture, whatever the order of the items.

    Args:
        content_hashes: one per item; None for an item that could not be read, which is in no pair.
        thumbnails: one grey 32 × 32 picture per item; may be memory-mapped.
        classes: the class of every item, −1 where unknown; used by the self-check only.
        watch: told about progress and about what the self-check found.
        is_sealed: items of a given test part; the self-check neither looks at them nor says anything of them.
    """
    tell(watch, Started(STAGE, hashing.BANDS, "bands"))
    first, copies = _exact(content_hashes, thumbnails)
    rows = first[_has_contrast(thumbnails, first)]
    judged = rows if is_sealed is None else rows[~is_sealed[rows]]
    threshold, said = choose_threshold(thumbnails, judged, classes, MOST_MISFIT)
    near = _near(thumbnails, rows, threshold, watch) if threshold > 0 else np.empty((0, 2), np.int64)
    for sentence in said:
        tell(watch, Said(sentence))
    tell(watch, Finished(STAGE))
    pairs = np.concatenate([copies, near])
    kind = np.repeat(np.array(["exact", "near"]), [len(copies), len(near)])
    return Pairs(pairs[:, 0], pairs[:, 1], kind, threshold, said)


def groups(count: int, pairs: Pairs) -> Int[np.ndarray, " items"]:
    """A group number per item: each near copy stands with one picture that it was itself confirmed to copy.

    Nothing is chained: where a is like b and b like c but a is not like c, the middle one gathers both; a longer
    chain is cut. The item with the most confirmed copies gathers first. The number of a group is a row of it.
    """
    group = np.arange(count)
    exact = pairs.kind == "exact"
    group[pairs.b[exact]] = pairs.a[exact]
    a, b = group[pairs.a[~exact]], group[pairs.b[~exact]]
    return _gather(count, np.concatenate([a, b]), np.concatenate([b, a]))[group]


def _gather(count: int, start: Int[np.ndarray, " links"], end: Int[np.ndarray, " links"]) -> Int[np.ndarray, " items"]:
    """The centre of every item when the best linked item takes its free neighbours, then the next best, and so on."""
    centre = np.full(count, -1)
    degree = np.bincount(start, minlength=count)
    rank = np.empty(count, np.int64)
    rank[np.lexsort((-np.arange(count), degree))] = np.arange(count)
    while len(start):
        best = np.full(count, -1)
        np.maximum.at(best, start, rank[end])
        leads = (rank > best) & (best >= 0)
        centre[leads] = np.flatnonzero(leads)
        joins = leads[start]
        taken = np.full(count, -1)
        np.maximum.at(taken, end[joins], rank[start[joins]])
        joined = taken >= 0
        centre[joined] = np.argsort(rank)[taken[joined]]
        free = (centre[start] < 0) & (centre[end] < 0)
        start, end = start[free], end[free]
    return np.where(centre < 0, np.arange(count), centre)


def _exact(
    content_hashes: Sequence[str | None], thumbnails: UInt8[np.ndarray, "items side side"]
) -> tuple[Int[np.ndarray, " distinct"], Int[np.ndarray, "copies 2"]]:
    """The first item of every distinct picture, in the order of their hashes, and (it, copy) for every copy of it.

    Equal thumbnails count as equal pixels unless they are too flat to tell; equal content always counts.
    """
    readable = np.array([row for row, text in enumerate(content_hashes) if text is not None], np.int64)
    if not len(readable):
        return readable, np.empty((0, 2), np.int64)
    texts = np.array([content_hashes[row] for row in readable.tolist()])
    readable = readable[np.lexsort((readable, texts))]
    keys = np.array([f"content {content_hashes[row]}" for row in readable.tolist()])
    contrasted = _has_contrast(thumbnails, readable)
    digests = (
        hashlib.blake2b(row.tobytes(), digest_size=16) for block in _blocks(thumbnails, readable) for row in block
    )
    keys = np.where(contrasted, np.array([f"pixels {digest.hexdigest()}" for digest in digests]), keys)
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    leader = readable[first[number]]
    is_copy = leader != readable
    return readable[np.sort(first)], np.stack([leader[is_copy], readable[is_copy]], axis=1)


def _near(
    thumbnails: UInt8[np.ndarray, "items side side"], rows: Int[np.ndarray, " distinct"], threshold: float, watch: Watch
) -> Int[np.ndarray, "pairs 2"]:
    """The pairs of `rows` whose misfit is at most the threshold."""
    if len(rows) < 2:
        return np.empty((0, 2), np.int64)
    words = hashing.hashes(_blocks(thumbnails, rows))
    different = max(LEAST_DIFFERENT_BITS, round(hashing.MOST_DIFFERENT * (threshold / MOST_MISFIT) ** 0.5))
    found = rows[hashing.candidates(words, different, lambda done: tell(watch, Progress(STAGE, done)))]
    for rounds, limit in ((1, threshold * FIRST_ROUND_FACTOR), (align.ROUNDS, threshold)):
        found = found[_misfits(thumbnails, found, rounds) <= limit]
    return np.sort(found, axis=1)


def _misfits(
    thumbnails: UInt8[np.ndarray, "items side side"], pairs: Int[np.ndarray, "pairs 2"], rounds: int
) -> Float[np.ndarray, " pairs"]:
    def judge(start: int) -> Float[np.ndarray, " n"]:
        chunk = pairs[start : start + BLOCK]
        return align.misfit(thumbnails[chunk[:, 0]], thumbnails[chunk[:, 1]], rounds)

    with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as threads:
        return np.concatenate([np.empty(0, np.float32), *threads.map(judge, range(0, len(pairs), BLOCK))])


def _has_contrast(
    thumbnails: UInt8[np.ndarray, "items side side"], rows: Int[np.ndarray, " rows"]
) -> Bool[np.ndarray, " rows"]:
    if not len(rows):
        return np.empty(0, bool)
    return np.concatenate([block.std(axis=(1, 2), dtype=np.float32) >= FLAT for block in _blocks(thumbnails, rows)])


def _blocks(
    thumbnails: UInt8[np.ndarray, "items side side"], rows: Int[np.ndarray, " rows"]
) -> Iterator[UInt8[np.ndarray, "n side side"]]:
    """The thumbnails of some rows, a block at a time, so that a memory-mapped array is never held whole."""
    return (np.asarray(thumbnails[rows[start : start + BLOCK]]) for start in range(0, len(rows), BLOCK))


def joined(one: Int[np.ndarray, " items"], other: Int[np.ndarray, " items"]) -> Int[np.ndarray, " items"]:
    """The groups that keep together what either grouping keeps together; a group's number is its first row."""
    group = np.arange(len(one))
    _, one = np.unique(one, return_inverse=True)
    _, other = np.unique(other, return_inverse=True)
    while True:
        before = group
        for labels in (one, other):
            least = np.full(labels.max(initial=-1) + 1, len(group))
            np.minimum.at(least, labels, group)
            group = least[labels]
        if np.array_equal(before, group):
            return group
