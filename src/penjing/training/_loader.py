"""Batches sliced from the cache by index, augmented as a whole, made ahead on another thread.

Which items a batch holds, and every draw of its augmentation, depend on the seed and the step alone.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from penjing.batch import Batch
from penjing.core.randomness import key, stream
from penjing.training._plan import batch_at

BLOCK = 32  # rows that a costly front end prepares together
SORTED_TOGETHER = 16  # batches
AHEAD = 3  # batches made before they are asked for


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
    """

    def __init__(self, values: Values, front_end: Callable[[Tensor], Tensor], count: int) -> None:
        self._values, self._front_end, self._count = values, front_end, count
        self._made = np.zeros(-(-count // BLOCK), dtype=bool)
        self._kept = np.empty((count, *self._block(0).shape[1:]), dtype=np.float32)

    def take(self, index: np.ndarray) -> np.ndarray:
        """The prepared values of some rows (integers)."""
        for block in np.unique(index // BLOCK).tolist():
            if not self._made[block]:  # two threads at once would write the same values
                self._kept[block * BLOCK : (block + 1) * BLOCK] = self._block(block)
                self._made[block] = True
        return self._kept[index]

    @torch.no_grad()
    def _block(self, block: int) -> np.ndarray:
        rows = np.arange(block * BLOCK, min((block + 1) * BLOCK, self._count))
        return self._front_end(torch.from_numpy(self._values.take(rows))).numpy()


Transform = Callable[[Tensor, int], Tensor]


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


@dataclass
class Loader:
    """The training batches, in an order that only the seed decides.

    Attributes:
        items: where the batches are cut from.
        rows: the rows that are trained on.
        batch_size: items a batch; 0 takes all.
        seed: the recipe's.
        prepare: input → what turns its values and a step into the encoder's input (front end, then augmentation).
        device: where that happens; values cross over as they lie in the cache, a quarter of their later size.
        lengths: how long the item of each of `rows` is, where items are padded; batches then hold items of about one
            length, and little padding. None takes them as the draw gives them.
        is_ahead: whether batches are made on another thread while the network learns. Where the network uses all cores,
            that thread takes them away in the middle of its operations, and costs more than it saves: 15 % were seen.
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

    def __post_init__(self) -> None:
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def rows_at(self, step: int) -> np.ndarray:
        """The rows of update `step`."""
        size = min(self.batch_size or len(self.rows), len(self.rows))
        epoch, position = batch_at(step, len(self.rows), size)
        if self._epoch != epoch:
            draw = stream(self.seed, "order", epoch)
            self._epoch, self._order = epoch, draw.permutation(len(self.rows))
            if self.lengths is not None:
                self._order = alike(self._order, self.lengths, size, draw)
        return self.rows[self._order[position * size : (position + 1) * size]]

    @torch.no_grad()
    def batch_at(self, step: int) -> Batch:
        """The finished batch of update `step`."""
        batch = self.items.batch(self.rows_at(step)).to(self.device)
        inputs = {
            column: self.prepare[column](values, step) if column in self.prepare else values
            for column, values in batch.inputs.items()
            if isinstance(values, Tensor)
        }
        return batch.with_inputs(inputs, self.items.prepared | frozenset(self.prepare))

    @contextlib.contextmanager
    def batches(self, first: int) -> Iterator[Iterator[Batch]]:
        """Inside the block: the batches from update `first` on, without end, `is_ahead` made by another thread."""
        if not self.is_ahead:
            yield self._made(first)
            return
        made: queue.Queue[Batch | BaseException] = queue.Queue(AHEAD)
        stop = threading.Event()

        def work() -> None:
            step = first
            try:
                while not stop.is_set():
                    _put(made, self.batch_at(step), stop)
                    step += 1
            except BaseException as problem:  # handed to the thread that asked, which raises it
                _put(made, problem, stop)

        thread = threading.Thread(target=work, name="penjing-loader", daemon=True)
        thread.start()
        try:
            yield self._taken(made)
        finally:
            stop.set()
            thread.join()

    def _made(self, first: int) -> Iterator[Batch]:
        for step in itertools.count(first):
            asked = time.monotonic()
            batch = self.batch_at(step)
            self.stalled_seconds += time.monotonic() - asked
            yield batch

    def _taken(self, made: queue.Queue[Batch | BaseException]) -> Iterator[Batch]:
        while True:
            asked = time.monotonic()
            batch = made.get()
            self.stalled_seconds += time.monotonic() - asked
            if isinstance(batch, BaseException):
                raise batch
            yield batch


def alike(
    order: Int[np.ndarray, " rows"], lengths: Int[np.ndarray, " rows"], size: int, draw: np.random.Generator
) -> Int[np.ndarray, " rows"]:
    """The same rows in another order, in which a batch holds items of about one length.

    Each few batches of the order are sorted by length, and then all batches are mixed: what is learned together still
    changes from epoch to epoch. An incomplete batch stays at the end.

    Args:
        order: a permutation of the rows.
        lengths: of each row.
        size: items a batch.
        draw: mixes the batches.
    """
    several = size * SORTED_TOGETHER
    pieces = [order[start : start + several] for start in range(0, len(order), several)]
    by_length = np.concatenate([piece[np.argsort(lengths[piece], kind="stable")] for piece in pieces])
    whole = len(order) // size * size
    mixed = by_length[:whole].reshape(-1, size)[draw.permutation(whole // size)]
    return np.concatenate([mixed.ravel(), by_length[whole:]])


def _put(made: queue.Queue[Batch | BaseException], value: Batch | BaseException, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            made.put(value, timeout=0.1)
            return
        except queue.Full:
            continue


def chunks(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Rows in order, `size` at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def augmented(
    front_end: Callable[[Tensor], Tensor],
    steps: Sequence[tuple[str, Callable[[Tensor, torch.Generator], Tensor]]],
    seed: int,
) -> Transform:
    """An input's preparation for training: its front end, then each augmentation with a stream of its own name."""

    def prepare(values: Tensor, step: int) -> Shaped[Tensor, "batch ..."]:
        values = front_end(values)
        for name, apply in steps:
            values = apply(values, torch.Generator().manual_seed(key(seed, f"augment:{name}", step)))
        return values

    return prepare
