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
from jaxtyping import Bool, Int, UInt8

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
DIGEST_BYTES = 16


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
    content_hashes: Sequence[str | None] | pl.Series,
    thumbnails: align.Thumbnails,
    classes: Int[np.ndarray, " items"] | None = None,
    watch: Watch = None,
    *,
    is_sealed: Bool[np.ndarray, " items"] | None = None,
) -> Pairs:
    """The pairs of items that show the same picture, whatever the order of the items.

    Args:
        content_hashes: one per item; None for an item that could not be read, which is in no pair.
        thumbnails: one grey 32 × 32 picture per item, uint8; read a block at a time, so they may stay on the disk.
        classes: the class of every item, −1 where unknown; used by the self-check only.
        watch: told about progress and about what the self-check found.
        is_sealed: items of a given test part; the self-check neither looks at them nor says anything of them.
    """
    tell(watch, Started(STAGE, hashing.BANDS, "bands"))
    contrasted = _has_contrast(thumbnails)
    first, copies = _exact(content_hashes, thumbnails, contrasted)
    rows = first[contrasted[first]]
    judged = rows if is_sealed is None else rows[~is_sealed[rows]]
    threshold, said = choose_threshold(thumbnails, judged, classes, MOST_MISFIT)
    near = _near(thumbnails, rows, threshold, watch) if threshold > 0 else np.empty((0, 2), np.int64)
    for sentence in said:
        tell(watch, Said(sentence))
    tell(watch, Finished(STAGE))
    pairs = np.concatenate([copies, near])
    kind = np.repeat(np.array(["exact", "near"]), [len(copies), len(near)])
    return Pairs(pairs[:, 0], pairs[:, 1], kind, threshold, said)


def find_copies(content_hashes: Sequence[str | None] | pl.Series) -> Pairs:
    """The pairs of items with the same content: the first of them with each of the others.

    Args:
        content_hashes: one per item; an item with None is in no pair.
    """
    rows = pl.DataFrame({"hash": pl.Series(content_hashes, dtype=pl.String)}).with_row_index("row")
    copies = (
        rows.drop_nulls().with_columns(first=pl.col("row").min().over("hash")).filter(pl.col("row") > pl.col("first"))
    )
    first, other = (copies[name].cast(pl.Int64).to_numpy() for name in ("first", "row"))
    return Pairs(first, other, np.full(len(first), "exact"), 0.0)


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
    content_hashes: Sequence[str | None] | pl.Series,
    thumbnails: align.Thumbnails,
    contrasted: Bool[np.ndarray, " items"],
) -> tuple[Int[np.ndarray, " distinct"], Int[np.ndarray, "copies 2"]]:
    """The first item of every distinct picture, in the order of their hashes, and (it, copy) for every copy of it.

    Equal thumbnails count as equal pixels unless they are too flat to tell; equal content always counts.
    """
    texts = pl.DataFrame({"text": pl.Series(content_hashes, dtype=pl.String)}).with_row_index("row")
    texts = texts.drop_nulls().sort("text", maintain_order=True)
    readable = texts["row"].to_numpy().astype(np.int64)
    if not len(readable):
        return readable, np.empty((0, 2), np.int64)
    pixels = (picture for block in _blocks(thumbnails, readable) for picture in block)
    keys = np.fromiter(
        (
            _digest("pixels", picture.tobytes()) if is_clear else _digest("content", text.encode())
            for picture, text, is_clear in zip(pixels, texts["text"], contrasted[readable], strict=True)
        ),
        np.dtype(f"S{DIGEST_BYTES}"),
        len(readable),
    )
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    leader = readable[first[number]]
    is_copy = leader != readable
    return readable[np.sort(first)], np.stack([leader[is_copy], readable[is_copy]], axis=1)


def _digest(kind: str, content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES, person=kind.encode()).digest()


def _near(
    thumbnails: align.Thumbnails, rows: Int[np.ndarray, " distinct"], threshold: float, watch: Watch
) -> Int[np.ndarray, "pairs 2"]:
    """The pairs of `rows` whose misfit is at most the threshold."""
    if len(rows) < 2:
        return np.empty((0, 2), np.int64)
    words = hashing.hashes(_blocks(thumbnails, rows), len(rows))
    different = max(LEAST_DIFFERENT_BITS, round(hashing.MOST_DIFFERENT * (threshold / MOST_MISFIT) ** 0.5))
    found = hashing.candidates(words, different, lambda done: tell(watch, Progress(STAGE, done)))
    return np.sort(_confirmed(thumbnails, rows, found, threshold), axis=1)


def _confirmed(
    thumbnails: align.Thumbnails,
    rows: Int[np.ndarray, " distinct"],
    candidates: Int[np.ndarray, "candidates 2"],
    threshold: float,
) -> Int[np.ndarray, "pairs 2"]:
    """The pairs of rows, of the candidates among `rows`, whose misfit is at most the threshold; a block at a time."""

    def confirm(start: int) -> Int[np.ndarray, "n 2"]:
        pairs = rows[candidates[start : start + BLOCK]]
        for rounds, limit in ((1, threshold * FIRST_ROUND_FACTOR), (align.ROUNDS, threshold)):
            pairs = pairs[align.misfit(thumbnails[pairs[:, 0]], thumbnails[pairs[:, 1]], rounds) <= limit]
        return pairs

    with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as threads:
        blocks = threads.map(confirm, range(0, len(candidates), BLOCK))
        return np.concatenate([np.empty((0, 2), np.int64), *blocks])


def _has_contrast(thumbnails: align.Thumbnails) -> Bool[np.ndarray, " items"]:
    blocks = _blocks(thumbnails, np.arange(len(thumbnails)))
    contrasted = [block.std(axis=(1, 2), dtype=np.float32) >= FLAT for block in blocks]
    return np.concatenate([np.empty(0, bool), *contrasted])


def _blocks(thumbnails: align.Thumbnails, rows: Int[np.ndarray, " rows"]) -> Iterator[UInt8[np.ndarray, "n side side"]]:
    """The thumbnails of some rows, a block at a time, so that they are never held whole."""
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
