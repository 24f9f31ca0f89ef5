"""Decoded items on the device that learns from them: moved there once where they are small, else batch by batch.

A batch cut there by index holds the same bits as one that is cut on the processor and copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from penjing.batch import Batch
from penjing.training._loader import Items, Values, chunks

HELD_SHARE = 0.25  # of the device's free memory, which networks, their gradients and what they remember need too
AT_ONCE = 1024  # rows that are moved together
# Kernels that pick rows are not there for these on all devices; the bits are the same.
_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}


@dataclass(frozen=True)
class Shelf:
    """Decoded inputs of some rows, on a device.

    Attributes:
        sources: input → where its values came from.
        place: row → where it lies in the tensors; −1 where it does not.
        tensors: input → the values.
    """

    sources: Mapping[str, Values]
    place: Int[np.ndarray, " rows"]
    tensors: Mapping[str, Tensor]

    def at(self, rows: Int[np.ndarray, " some"]) -> Int[np.ndarray, " some"] | None:
        """Where those rows lie; None where one of them does not."""
        if rows.max(initial=-1) >= len(self.place):
            return None
        place = self.place[rows]
        return place if (place >= 0).all() else None

    def serves(self, inputs: Mapping[str, Values], rows: Int[np.ndarray, " some"]) -> bool:
        """Whether it was filled with those rows, and perhaps more, of those inputs."""
        is_same = self.sources.keys() == inputs.keys() and all(self.sources[name] is inputs[name] for name in inputs)
        return is_same and self.at(rows) is not None


Shelves = dict[str, Shelf]


@dataclass
class OnDevice(Items):
    """Items whose batches lie on a device.

    Attributes:
        device: where.
        shelf: the inputs that lie there already.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    shelf: Shelf = field(default_factory=lambda: Shelf({}, np.empty(0, np.int64), {}))

    def __post_init__(self) -> None:
        def all_rows(values: np.ndarray) -> Tensor:
            return sent(torch.from_numpy(values.copy()), self.device)

        self._targets = {column: all_rows(values) for column, values in self.targets.items()}
        self._present = {column: all_rows(there) for column, there in self.present.items()}
        self._weight = None if self.weight is None else all_rows(self.weight.astype(np.float32))

    def batch(self, rows: np.ndarray) -> Batch:
        """The items of some rows, inputs raw."""
        item = sent(torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64)), self.device)
        return Batch(
            inputs=self._inputs(rows),
            targets={column: picked(values, item) for column, values in self._targets.items()},
            item=item,
            present={column: picked(there, item) for column, there in self._present.items()},
            weight=None if self._weight is None else picked(self._weight, item),
            prepared=self.prepared,
        )

    def _inputs(self, rows: np.ndarray) -> dict[str, Tensor]:
        place = self.shelf.at(rows) if self.shelf.tensors else None
        index = None if place is None else sent(torch.from_numpy(place), self.device)
        return {
            column: picked(self.shelf.tensors[column], index)
            if index is not None and column in self.shelf.tensors
            else sent(torch.from_numpy(values.take(rows)), self.device)
            for column, values in self.inputs.items()
        }


def on_device(items: Items, device: torch.device, rows: Int[np.ndarray, " some"], shelves: Shelves) -> Items:
    """The items as a device takes them; for the processor they are as they are.

    Args:
        rows: that are asked for again and again.
        shelves: device → what lies there from earlier trainings; it is kept up to date.
    """
    if device.type == "cpu":
        return items
    raw = {column: values for column, values in items.inputs.items() if column not in items.prepared}
    name = str(device)
    if name in shelves and not shelves[name].serves(raw, rows):
        del shelves[name]  # its memory is free before others take its place
    if name not in shelves:
        shelves[name] = filled(raw, rows, device, int(HELD_SHARE * free_bytes(device)))
    known: dict[str, Any] = {one.name: getattr(items, one.name) for one in fields(Items)}
    return OnDevice(**known, device=device, shelf=shelves[name])


def filled(
    inputs: Mapping[str, Values], rows: Int[np.ndarray, " some"], device: torch.device, most_bytes: int
) -> Shelf:
    """The inputs that fit into so many bytes, in their order, moved to a device."""
    tensors: dict[str, Tensor] = {}
    rows = np.unique(rows)
    for column, values in inputs.items():
        size = len(rows) * values.take(rows[:1]).nbytes
        if size <= most_bytes and len(rows):
            tensors[column] = moved(values, rows, device)
            most_bytes -= size
    place = np.full(int(rows.max(initial=-1)) + 1, -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    return Shelf(inputs, place, tensors)


def moved(values: Values, rows: Int[np.ndarray, " some"], device: torch.device) -> Shaped[Tensor, "some ..."]:
    """The values of some rows, on a device."""
    first = torch.from_numpy(values.take(rows[:1]))
    whole = torch.empty((len(rows), *first.shape[1:]), dtype=first.dtype, device=device)
    for start, chunk in zip(range(0, len(rows), AT_ONCE), chunks(rows, AT_ONCE), strict=True):
        whole[start : start + len(chunk)].copy_(torch.from_numpy(values.take(chunk)))
    return whole


def picked(values: Shaped[Tensor, "rows ..."], index: Int[Tensor, " batch"]) -> Shaped[Tensor, "batch ..."]:
    """Some rows of what lies on a device."""
    dtype = _SIGNED.get(values.dtype)
    return values[index] if dtype is None else values.view(dtype)[index].view(values.dtype)


def sent(values: Shaped[Tensor, "..."], device: torch.device) -> Shaped[Tensor, "..."]:
    """The values on a device. A GPU fetches them by itself while the processor goes on: that needs memory that stays
    where it is, and all that the GPU is told later comes after it."""
    if device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def free_bytes(device: torch.device) -> int:
    """Bytes that are free on a device; 0 where torch does not tell, or they are the processor's own.

    What torch has freed it keeps for what comes next, and the device takes that for used.
    """
    if device.type != "cuda":
        return 0
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(torch.cuda.mem_get_info(device)[0]) + max(0, kept)
