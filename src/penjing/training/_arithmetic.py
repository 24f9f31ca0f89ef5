"""What of torch's arithmetic is one for the whole process: a training has its own, and leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Inside the block, one operation on the processor takes so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def products(number_format: str) -> Iterator[None]:
    """Inside the block, products of float32 are exact to its last bits where the format is "float32".

    A GPU may round what it multiplies to 10 bits (TF32), which torch lets it do in convolutions and whoever asks for it
    in products of matrices; a processor may round to 7 there. A recipe gives the same weights whatever was asked for in
    its process, so it decides alone: a training in half precision, which rounds as much everywhere else, takes TF32 for
    what it leaves in float32.
    """
    rounded = "ieee" if number_format == "float32" else "tf32"
    cudnn: Any = torch.backends.cudnn  # which mypy takes for a plain module
    own: list[tuple[Any, str]] = [
        *((place, rounded) for place in (torch.backends.cuda.matmul, cudnn.conv, cudnn.rnn)),
        *((getattr(torch.backends.mkldnn, name), "ieee") for name in ("matmul", "conv", "rnn")),
    ]
    before = [place.fp32_precision for place, _ in own]
    try:
        for place, precision in own:
            place.fp32_precision = precision
        yield
    finally:
        for (place, _), precision in zip(own, before, strict=True):
            place.fp32_precision = precision


def as_it_is(device: torch.device) -> AbstractContextManager[Any]:
    """Inside the block, nothing on a device is computed in another number format, whatever was asked for around it."""
    has_formats = torch.amp.is_autocast_available(device.type)
    if has_formats and torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()
