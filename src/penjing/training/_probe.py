"""Measures how this machine runs this network fastest, and refuses a setting whose results are wrong.

A few updates are timed on copies of the real network with a real batch. A number format other than float32 is
taken only when it is faster and its outputs and gradients agree with float32: some bfloat16 convolutions are
wrong or slow in current versions of torch.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import median

import torch
from torch import Tensor, nn

from penjing.batch import Batch
from penjing.core.recipe import Machine
from penjing.training._step import number_format

# Relative error of the outputs, and cosine of the gradients, against float32. bfloat16 keeps eight bits, so an
# honest kernel lands near 0.01 and 0.999.
LARGEST_ERROR, SMALLEST_COSINE = 0.10, 0.97
WARM_UPS, REPEATS = 2, 5


@dataclass(frozen=True)
class Probed:
    """One setting, measured.

    Attributes:
        machine: the setting.
        step_seconds: forward and backward, median.
        error: relative error of the outputs against float32.
        cosine: cosine between the gradients and those of float32.
    """

    machine: Machine
    step_seconds: float
    error: float
    cosine: float

    @property
    def is_right(self) -> bool:
        return self.error <= LARGEST_ERROR and self.cosine >= SMALLEST_COSINE


def probe(
    network: nn.Module, loss: Callable[[Tensor, Batch], Tensor], batch: Batch, machine: Machine, seconds: float
) -> tuple[Machine, list[Probed]]:
    """The fastest right setting, and all that were measured.

    Args:
        network: is copied; its weights stay as they are.
        loss: outputs and batch → scalar.
        batch: a real training batch, prepared.
        machine: where to begin; its device is kept.
        seconds: what the probe may take, as a guide.
    """
    before = torch.get_num_threads()
    began = time.monotonic()
    found: list[Probed] = []
    try:
        for candidate in _candidates(machine):
            if found and time.monotonic() - began > seconds:
                break
            found.append(_measure(network, loss, batch, candidate, found, seconds))
    finally:
        torch.set_num_threads(before)
    right = [one for one in found if one.is_right]
    return min(right, key=lambda one: one.step_seconds).machine, found


def _candidates(machine: Machine) -> Iterator[Machine]:
    many = machine.threads
    formats = ("float32", "bfloat16") if machine.device != "mps" else ("float32",)
    for threads in (many, 1) if many > 1 and machine.device == "cpu" else (many,):
        for name in formats:
            yield replace(machine, threads=threads, number_format=name)


def _measure(
    network: nn.Module,
    loss: Callable[[Tensor, Batch], Tensor],
    batch: Batch,
    machine: Machine,
    earlier: list[Probed],
    seconds: float,
) -> Probed:
    torch.set_num_threads(machine.threads)
    copied = copy.deepcopy(network).train()
    outputs, gradient = _once(copied, loss, batch, machine)
    taken: list[float] = []
    began = time.monotonic()
    for repeat in range(WARM_UPS + REPEATS):
        start = time.monotonic()
        _once(copied, loss, batch, machine)
        if repeat >= WARM_UPS or time.monotonic() - began > seconds / 4:
            taken.append(time.monotonic() - start)
        if taken and time.monotonic() - began > seconds / 4:
            break
    if not earlier:
        return Probed(machine, median(taken), 0.0, 1.0)
    reference = copy.deepcopy(network).train()
    exact, exact_gradient = _once(reference, loss, batch, replace(machine, number_format="float32"))
    error = float((outputs - exact).norm() / exact.norm().clamp_min(1e-12))
    cosine = float(torch.nn.functional.cosine_similarity(gradient, exact_gradient, dim=0, eps=1e-20))
    return Probed(machine, median(taken), error, cosine)


def _once(
    network: nn.Module, loss: Callable[[Tensor, Batch], Tensor], batch: Batch, machine: Machine
) -> tuple[Tensor, Tensor]:
    network.zero_grad(set_to_none=True)
    # Dropout, where there is any, silences the same units in every format.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        with number_format(machine.number_format, machine.device):
            outputs = network(batch)
    loss(outputs.float(), batch).backward()
    gradients = [value.grad.flatten().float() for value in network.parameters() if value.grad is not None]
    return outputs.detach().float(), torch.cat(gradients)
