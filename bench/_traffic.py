"""What an update costs at the least: its floating-point operations, and the bytes that its operations move."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

UNWRITTEN = ("empty", "new_empty")  # operations that reserve memory and write nothing


@dataclass(frozen=True)
class Work:
    """What something costs.

    Attributes:
        flop: multiplications and additions of products and convolutions; nothing else is counted.
        size_bytes: what every operation reads and writes, as if nothing stayed in the processor's caches.
    """

    flop: int
    size_bytes: int


def counted(work: Callable[[], object]) -> Work:
    """What it costs to carry out `work` once."""
    with FlopCounterMode(display=False) as flop, _Moved() as moved:
        work()
    return Work(int(flop.get_total_flops()), moved.size_bytes)


class _Moved(TorchDispatchMode):
    """Adds up the bytes of every operation: each tensor it is given is read once, and each it changes or makes written
    once. A view moves nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.size_bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        found = func(*args, **given)
        name = str(func.overloadpacket).split(".")[-1]
        if not name.startswith(UNWRITTEN) and not _is_view(func):
            self.size_bytes += sum(map(_size, _tensors([*args, *given.values()])))
            self.size_bytes += sum(map(_size, _written(func, args, given, found)))
        return found


def _is_view(func: Any) -> bool:
    """Whether what it gives lies in the memory of what it was given, unchanged."""
    notes = [one.alias_info for one in func._schema.returns]
    return bool(notes) and all(note is not None and not note.is_write for note in notes)


def _written(func: Any, args: Sequence[Any], given: dict[str, Any], found: Any) -> Iterator[Tensor]:
    """The tensors that an operation changes, and those that it makes."""
    for place, one in enumerate(func._schema.arguments):
        if one.alias_info is not None and one.alias_info.is_write:
            yield from _tensors([args[place] if place < len(args) else given.get(one.name)])
    made = found if isinstance(found, tuple | list) and len(func._schema.returns) > 1 else [found]
    for note, value in zip(func._schema.returns, made, strict=False):
        if note.alias_info is None:
            yield from _tensors([value])


def _tensors(values: Sequence[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _size(tensor: Tensor) -> int:
    """Bytes of a tensor; of one that repeats itself, those that are there."""
    return min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())


def peak_flop_per_second(number_format: str, side: int, seconds: float) -> float:
    """What products of two square matrices reach at best, operations a second."""
    one, other = (torch.randn(side, side).to(getattr(torch, number_format)) for _ in range(2))
    return 2 * side**3 / _quickest(lambda: torch.mm(one, other), seconds)


def bytes_per_second(size_bytes: int, seconds: float) -> float:
    """What copying memory reaches at best, bytes read and written a second."""
    one, other = (torch.ones(size_bytes // 4) for _ in range(2))
    return 2 * size_bytes / _quickest(lambda: one.copy_(other), seconds)


def _quickest(work: Callable[[], object], seconds: float) -> float:
    """The shortest of many times that `work` takes, in seconds."""
    return min(times(work, seconds))


def times(work: Callable[[], object], seconds: float, fewest: int = 3) -> list[float]:
    """How long `work` takes, again and again for so many seconds; the first time does not count."""
    work()
    begun, found = time.perf_counter(), []
    while len(found) < fewest or time.perf_counter() - begun < seconds:
        since = time.perf_counter()
        work()
        found.append(time.perf_counter() - since)
    return found
