"""Does an exported model answer as its network does, and what does it cost?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from penjing.core.errors import DataError
from penjing.exports._subject import Model, Subject, Whole

BATCH = 256  # items answered at once while two models are compared
_WARM_UP = 10


@dataclass(frozen=True)
class Parity:
    """How far an exported model's answers are from its network's.

    Attributes:
        difference: the largest difference of a probability; not a number where one of the two answers so.
        agreement: share of items for which both find the same class most probable, 0 to 1.
        n: items compared.
    """

    difference: float
    agreement: float
    n: int


@dataclass(frozen=True)
class Cost:
    """What an exported model costs on this machine.

    Attributes:
        size_bytes: of its file.
        latency_ms: median time of one item's answer, decoding aside.
        calls: timed calls behind the median.
    """

    size_bytes: int
    latency_ms: float
    calls: int


def parity(subject: Subject, model: Model, items: np.ndarray) -> Parity:
    """Compare an exported model with its network.

    Args:
        items: decoded items, uint8 [items, height, width, channels].

    Raises:
        DataError: there are no items.
    """
    if not len(items):
        raise DataError("parity needs at least one decoded item")
    difference, agreed = 0.0, 0
    for start in range(0, len(items), BATCH):
        chunk = items[start : start + BATCH]
        expected, found = network_probabilities(subject, chunk), model.probabilities(chunk)
        # Not max(): that of 0 and not a number is 0.
        difference = float(np.maximum(difference, np.abs(expected - found).max()))
        agreed += int((expected.argmax(axis=1) == found.argmax(axis=1)).sum())
    return Parity(difference, agreed / len(items), len(items))


@torch.no_grad()
def network_probabilities(subject: Subject, items: np.ndarray) -> np.ndarray:
    """Float32[items, classes]: what the network itself says of decoded items."""
    subject.network.eval()
    device = next(subject.network.parameters()).device
    found: np.ndarray = Whole(subject)(torch.from_numpy(items).to(device)).float().cpu().numpy()
    return found


def measure(path: Path, model: Model, item: np.ndarray, calls: int = 200) -> Cost:
    """Size and latency of an exported model.

    Args:
        path: its file.
        model: the same, opened.
        item: one decoded item, uint8 [height, width, channels].
        calls: how often it is asked; a few more warm it up.
    """
    alone, taken = item[None], []
    for _ in range(calls + _WARM_UP):
        begun = time.perf_counter()
        model.probabilities(alone)
        taken.append(time.perf_counter() - begun)
    return Cost(path.stat().st_size, float(np.median(taken[_WARM_UP:])) * 1000, calls)
