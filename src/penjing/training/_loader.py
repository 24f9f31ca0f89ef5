"""Batches sliced from the cache by index, augmented as a whole, made ahead on another thread.

Which items a batch holds, and every draw of its augmentation, depend on the seed and the step alone.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from penjing.batch import Batch, Ragged
from penjing.core.randomness import stream
from penjing.training._augment import Moves, Transform
from penjing.training._plan import batch_at

BLOCK = 32  # rows that a costly front end prepares together
SORTED_TOGETHER = 16  # batches
AHEAD = 3  # batches (or stacks of small ones) made before they are asked for
STACK_BYTES = 8 * 1024**2  # small batches are cut from a stack of about this size: one call instead of dozens
MOST_STACKED = 64  # batches
CHEAP_SECONDS = 3e-4  # to make a stack: less than handing it from one thread to another may cost
SLOW_SECONDS = 20 * CHEAP_SECONDS  # a batch that takes so long is not cheap at the second try either


@runtime_checkable
class Values(Protocol):
    """One column of decoded items (core/cache.py's CachedColumn is one)."""

    def take(self, index: np.ndarray) -> np.ndarray: ...


class Prepared:
    """An input's values after a costly front end, each made once and then kept.

    They are made in whole blocks of rows that lie together, so that a value does not depend on the batch which asked
    for it first: sums in another order differ in their last bits.

    Args:
        values: raw ones.
        front_end: raw batch → what an encoder takes, float32.
        count: number of rows.
        size: of a block, in rows: the smaller, the less a first batch waits for, and the more calls there are.
    """

    def __init__(self, values: Values, front_end: Callable[[Tensor], Tensor], count: int, size: int = BLOCK) -> None:
        self.values, self._front_end, self._count, self._size = values, front_end, count, size
        self._made, self._is_whole = np.zeros(-(-count // size), dtype=bool), False
        self._kept = np.empty((count, *self._block(0).shape[1:]), dtype=np.float32)

    def take(self, index: np.ndarray) -> np.ndarray:
        """The prepared values of some rows (integers)."""
        if not self._is_whole:
            blocks = index // self._size
            for block in np.unique(blocks[~self._made[blocks]]).tolist():  # two threads at once write the same values
                self._kept[block * self._size : (block + 1) * self._size] = self._block(block)
                self._made[block] = True
            self._is_whole = bool(self._made.all())
        return self._kept[index]

    @torch.no_grad()
    def _block(self, block: int) -> np.ndarray:
        rows = np.arange(block * self._size, min((block + 1) * self._size, self._count))
        return self._front_end(torch.from_numpy(self.values.take(rows))).numpy()


Stack = list[Batch]


@dataclass
class Items:
    """Decoded inputs and encoded targets, addressed by row.

    Attributes:
        inputs: input → decoded values.
        targets: column → one encoded target a row.
        weight: how much each row counts, or None.
        present: input → Bool[rows], whether each row has a value there; one left out is there throughout.
        prepared: the inputs whose values have gone through their front ends already.
    """

    inputs: Mapping[str, Values]
    targets: Mapping[str, np.ndarray] = field(default_factory=dict)
    weight: np.ndarray | None = None
    present: Mapping[str, np.ndarray] = field(default_factory=dict)
    prepared: frozenset[str] = frozenset()

    def batch(self, rows: np.ndarray) -> Batch:
        """The items of some rows, inputs raw."""
        return Batch(
            inputs={column: torch.from_numpy(values.take(rows)) for column, values in self.inputs.items()},
            targets={column: torch.from_numpy(values[rows]) for column, values in self.targets.items()},
            item=torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64)),
            present={column: torch.from_numpy(there[rows]) for column, there in self.present.items()},
            weight=None if self.weight is None else torch.from_numpy(self.weight[rows].astype(np.float32)),
            prepared=self.prepared,
        )


@runtime_checkable
class Fetches(Protocol):
    """What gives the items of some rows."""

    def batch(self, rows: np.ndarray) -> Batch: ...


@dataclass
class Clocked:
    """Items that count how long they are waited for.

    Attributes:
        items: asked.
        seconds: so far.
    """

    items: Items
    seconds: float = 0.0

    def batch(self, rows: np.ndarray) -> Batch:
        """The items of some rows, inputs raw."""
        asked = time.monotonic()
        batch = self.items.batch(rows)
        self.seconds += time.monotonic() - asked
        return batch


@dataclass
class Loader:
    """The training batches, in an order that only the seed decides.

    Attributes:
        items: where the batches are cut from.
        rows: the rows that are trained on.
        batch_size: items a batch; 0 takes all.
        seed: the recipe's.
        by_item: input → the part of its preparation in which no item depends on another, so that several batches can go
            through it together.
        prepare: input → what turns its values, after that, and a step into the encoder's input (front end, where it
            looks at the whole batch, then augmentation).
        early: input → what only moves values about, and is done before `by_item`, where they are a quarter of the size.
        shorten: input → what turns its values and the length of the batch's longest item into the encoder's input
            without the padding that all of them end with, before `prepare`; it needs `lengths`.
        device: where that happens; values cross over as they lie in the cache, a quarter of their later size.
        lengths: how long the item of each of `rows` is, where items are padded; batches then hold items of about one
            length, and little padding. None takes them as the draw gives them.
        is_ahead: whether batches are made on another thread while the network learns. Where the network uses all cores,
            that thread takes them away in the middle of its operations, and costs more than it saves: 15% were seen.
            Stacks of batches that are made in a moment are made in between all the same.
        stalled_seconds: how long the network waited for batches.
    """

    items: Items
    rows: np.ndarray
    batch_size: int
    seed: int
    prepare: Mapping[str, Transform] = field(default_factory=dict)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    lengths: np.ndarray | None = None
    is_ahead: bool = True
    stalled_seconds: float = 0.0
    by_item: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)
    early: Mapping[str, Moves] = field(default_factory=dict)
    shorten: Mapping[str, Callable[[Tensor, int], Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)
        self.size = min(self.batch_size or len(self.rows), len(self.rows))
        self._prepared = self.items.prepared.union(self.prepare, self.by_item, self.shorten)
        self._length = np.zeros(int(self.rows.max(initial=-1)) + 1, dtype=np.int64)
        if self.lengths is not None:
            self._length[self.rows] = self.lengths

    def rows_at(self, step: int) -> np.ndarray:
        """The rows of update `step`."""
        epoch, position = batch_at(step, len(self.rows), self.size)
        if self._epoch != epoch:
            draw = stream(self.seed, "order", epoch)
            self._epoch, self._order = epoch, draw.permutation(len(self.rows))
            if self.lengths is not None:
                self._order = alike(self._order, self.lengths, self.size, draw)
        return self.rows[self._order[position * self.size : (position + 1) * self.size]]

    def batch_at(self, step: int) -> Batch:
        """The finished batch of update `step`."""
        (batch,) = self._stack(step, 1)
        return batch

    @torch.no_grad()
    def _stack(self, first: int, count: int) -> Stack:
        """The finished batches of some updates, cut from the cache together."""
        steps = range(first, first + count)
        rows = [self.rows_at(step) for step in steps]
        whole = self.items.batch(np.concatenate(rows) if count > 1 else rows[0]).to(self.device)
        inputs = {}
        for column, values in whole.inputs.items():
            if not isinstance(values, Tensor):
                continue
            moved = self.early[column](values, steps) if column in self.early else values
            inputs[column] = self.by_item[column](moved) if column in self.by_item else moved
        whole = whole.with_inputs(inputs, self._prepared)
        stack = cut(whole, self.size) if count > 1 else [whole]
        if self.shorten:
            stack = [self._shortened(batch, some) for batch, some in zip(stack, rows, strict=True)]
        return [self._finished(batch, step) for batch, step in zip(stack, steps, strict=True)]

    def _shortened(self, batch: Batch, rows: Int[np.ndarray, " batch"]) -> Batch:
        """The batch without the padding that all of its items end with: how long they are the processor knows."""
        longest = int(self._length[rows].max())
        inputs = {
            column: self.shorten[column](values, longest) if column in self.shorten else values
            for column, values in batch.inputs.items()
            if isinstance(values, Tensor)
        }
        return batch.with_inputs(inputs, batch.prepared)

    def _finished(self, batch: Batch, step: int) -> Batch:
        if not self.prepare:
            return batch
        inputs = {
            column: self.prepare[column](values, step) if column in self.prepare else values
            for column, values in batch.inputs.items()
            if isinstance(values, Tensor)
        }
        return batch.with_inputs(inputs, batch.prepared)

    def _stacks(self, first: int, together: int) -> Iterator[Stack]:
        """The batches from update `first` on.

        Stacks begin at the same updates wherever a training is continued: where a batch lies in memory may change the
        last bit of a sum.
        """
        while True:
            begin = first // together * together
            yield self._stack(begin, together)[first - begin :]
            first = begin + together

    def _tried(self, step: int) -> tuple[int, float]:
        """(how many batches make a stack, seconds that one takes). The first try may read files and prepare kernels.

        How many does not depend on where a training is continued; batches of items that are padded differ in size.
        """
        batch, taken = self._clocked(step)
        if taken >= CHEAP_SECONDS and (taken < SLOW_SECONDS or self.items.prepared):  # what is kept was made just now
            batch, taken = self._clocked(step)
        sized = batch if self.lengths is None else self.batch_at(0)
        size = sum(values.nbytes for values in sized.inputs.values() if isinstance(values, Tensor))
        return max(1, min(MOST_STACKED, STACK_BYTES // max(1, size))), taken

    def _clocked(self, step: int) -> tuple[Batch, float]:
        asked = time.monotonic()
        return self.batch_at(step), time.monotonic() - asked

    @contextlib.contextmanager
    def batches(self, first: int) -> Iterator[Iterator[Batch]]:
        """Inside the block: the batches from update `first` on, without end, `is_ahead` made by another thread."""
        together, seconds = self._tried(first)
        if not self.is_ahead or seconds * together < CHEAP_SECONDS:
            yield self._timed(self._stacks(first, together))
            return
        made: queue.Queue[Stack | BaseException] = queue.Queue(AHEAD)
        stop = threading.Event()

        def work() -> None:
            try:
                for stack in self._stacks(first, together):
                    _put(made, stack, stop)
                    if stop.is_set():
                        return
            except BaseException as problem:  # handed to the thread that asked, which raises it
                _put(made, problem, stop)

        thread = threading.Thread(target=work, name="penjing-loader", daemon=True)
        thread.start()
        try:
            yield self._timed(_received(made))
        finally:
            stop.set()
            with contextlib.suppress(queue.Empty):  # where it waits for room, it need not wait on
                made.get_nowait()
            thread.join()

    def _timed(self, stacks: Iterator[Stack]) -> Iterator[Batch]:
        """One batch after the other; what it takes to get a stack is time in which the network waits."""
        while True:
            asked = time.monotonic()
            stack = next(stacks)
            self.stalled_seconds += time.monotonic() - asked
            yield from stack


def _received(made: queue.Queue[Stack | BaseException]) -> Iterator[Stack]:
    while True:
        stack = made.get()
        if isinstance(stack, BaseException):
            raise stack
        yield stack


def cut(batch: Batch, size: int) -> Stack:
    """A batch as several of `size` items, which share its memory."""

    def pieces(values: Tensor | Ragged) -> tuple[Tensor, ...]:
        assert isinstance(values, Tensor), "ragged items are not stacked"
        return values.split(size)

    inputs = {name: pieces(values) for name, values in batch.inputs.items()}
    targets = {name: pieces(values) for name, values in batch.targets.items()}
    present = {name: pieces(values) for name, values in batch.present.items()}
    weight = None if batch.weight is None else batch.weight.split(size)
    return [
        Batch(
            {name: values[number] for name, values in inputs.items()},
            {name: values[number] for name, values in targets.items()},
            item,
            {name: values[number] for name, values in present.items()},
            None if weight is None else weight[number],
            batch.prepared,
        )
        for number, item in enumerate(batch.item.split(size))
    ]


def alike(
    order: Int[np.ndarray, " rows"], lengths: Int[np.ndarray, " rows"], size: int, draw: np.random.Generator
) -> Int[np.ndarray, " rows"]:
    """The same rows in another order, in which a batch holds items of about one length.

    Each few batches of the order are sorted by length, and then all batches are mixed: what is learned together still
    changes from epoch to epoch. The incomplete batch, which an epoch leaves out, is that of the order: were it what is
    left after sorting, the longest items would never be learned from.

    Args:
        order: a permutation of the rows.
        lengths: of each row.
        size: items a batch.
        draw: mixes the batches.
    """
    several, whole = size * SORTED_TOGETHER, len(order) // size * size
    pieces = [order[start : min(start + several, whole)] for start in range(0, whole, several)]
    sorted_each = [piece[np.argsort(lengths[piece], kind="stable")].reshape(-1, size) for piece in pieces]
    batches = np.concatenate([order[:0].reshape(0, size), *sorted_each])
    return np.concatenate([batches[draw.permutation(len(batches))].ravel(), order[whole:]])


def _put(made: queue.Queue[Stack | BaseException], value: Stack | BaseException, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            made.put(value, timeout=0.1)
            return
        except queue.Full:
            continue


def spread(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the rows, evenly spread, for rows stand class by class."""
    found: np.ndarray = rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.int64)]
    return found


def chunks(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Rows in order, `size` at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
