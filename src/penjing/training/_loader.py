"""Batches sliced from the cache by index, augmented as a whole, made ahead on another thread.

Which items a batch holds, and every draw of its augmentation, depend on the seed and the step alone.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from penjing.batch import Batch
from penjing.core.randomness import key, stream
from penjing.training._plan import batch_at

AHEAD = 3  # batches made before they are asked for


@runtime_checkable
class Values(Protocol):
    """One column of decoded items (core/cache.py's CachedColumn is one)."""

    def take(self, index: np.ndarray) -> np.ndarray: ...


Transform = Callable[[Tensor, int], Tensor]


@dataclass
class Items:
    """Decoded inputs and encoded targets, addressed by row.

    Attributes:
        inputs: column → decoded values.
        targets: column → one encoded target a row.
        weight: how much each row counts, or None.
    """

    inputs: Mapping[str, Values]
    targets: Mapping[str, np.ndarray] = field(default_factory=dict)
    weight: np.ndarray | None = None

    def batch(self, rows: np.ndarray) -> Batch:
        """The items of some rows, inputs raw."""
        return Batch(
            inputs={column: torch.from_numpy(values.take(rows)) for column, values in self.inputs.items()},
            targets={column: torch.from_numpy(values[rows]) for column, values in self.targets.items()},
            item=torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64)),
            weight=None if self.weight is None else torch.from_numpy(self.weight[rows].astype(np.float32)),
        )


@dataclass
class Loader:
    """The training batches, in an order that only the seed decides.

    Attributes:
        items: where the batches are cut from.
        rows: the rows that are trained on.
        batch_size: items a batch; 0 takes all.
        seed: the recipe's.
        prepare: column → what turns raw values and a step into the encoder's input (front end, then augmentation).
        stalled_seconds: how long the network waited for batches.
    """

    items: Items
    rows: np.ndarray
    batch_size: int
    seed: int
    prepare: Mapping[str, Transform] = field(default_factory=dict)
    stalled_seconds: float = 0.0

    def __post_init__(self) -> None:
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def rows_at(self, step: int) -> np.ndarray:
        """The rows of update `step`."""
        size = min(self.batch_size or len(self.rows), len(self.rows))
        epoch, position = batch_at(step, len(self.rows), size)
        if self._epoch != epoch:
            self._epoch, self._order = epoch, stream(self.seed, "order", epoch).permutation(len(self.rows))
        return self.rows[self._order[position * size : (position + 1) * size]]

    @torch.no_grad()
    def batch_at(self, step: int) -> Batch:
        """The finished batch of update `step`."""
        batch = self.items.batch(self.rows_at(step))
        inputs = {
            column: self.prepare[column](values, step) if column in self.prepare else values
            for column, values in batch.inputs.items()
            if isinstance(values, Tensor)
        }
        return batch.with_inputs(inputs)

    @contextlib.contextmanager
    def batches(self, first: int) -> Iterator[Iterator[Batch]]:
        """Inside the block: the batches from update `first` on, without end, made by another thread."""
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

    def _taken(self, made: queue.Queue[Batch | BaseException]) -> Iterator[Batch]:
        while True:
            asked = time.monotonic()
            batch = made.get()
            self.stalled_seconds += time.monotonic() - asked
            if isinstance(batch, BaseException):
                raise batch
            yield batch


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
    """A column's preparation for training: its front end, then each augmentation with a stream of its own name."""

    def prepare(values: Tensor, step: int) -> Float[Tensor, "batch channels height width"]:
        images = front_end(values)
        for name, apply in steps:
            images = apply(images, torch.Generator().manual_seed(key(seed, f"augment:{name}", step)))
        return images

    return prepare
