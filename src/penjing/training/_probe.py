"""Measures how this machine runs this network fastest, and refuses a setting whose results are wrong.

A few updates are timed on copies of the real network with a real batch. A number format other than float32 is
taken only when it is faster and its outputs and gradients agree with float32: some bfloat16 convolutions are
wrong or slow in current versions of torch, and processors without bfloat16 imitate it at many times the cost.

The batch size is not among what is measured: it changes what is learned, and not only how fast.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from penjing.batch import Batch
from penjing.core.process import usable_cores
from penjing.core.recipe import Machine
from penjing.training._loader import cut
from penjing.training._step import number_format, seed_draws

# Relative error of the outputs, and cosine of the gradients, against float32. bfloat16 keeps eight bits, so an
# honest kernel lands near 0.01 and 0.999.
LARGEST_ERROR, SMALLEST_COSINE = 0.10, 0.97
WARM_UPS, FEWEST, REPEATS = 1, 2, 7
BFLOAT16_UNITS = ("avx512_bf16", "amx_bf16")  # of processors of the x86-64 kind
LEAST_PART = 32  # items: of fewer, an update costs hardly less
MOST_SECONDS = 5.0  # of the whole probe, however long a training may take
# A setting whose very first update takes so many times the best one's is not looked at again. First calls prepare
# kernels, which costs some times an update, but not this much.
HOPELESS = 8.0
# Of the first setting's time, what another one must stay under: of two that are as fast, a few updates tell neither.
CLEARLY = 0.9


@dataclass(frozen=True)
class Probed:
    """One setting, measured.

    Attributes:
        machine: the setting.
        step_seconds: forward and backward of the whole batch, median.
        error: relative error of the outputs against float32.
        cosine: cosine between the gradients and those of float32.
        is_hopeless: whether the first update was so slow that it was the only one; it is then what `step_seconds` says.
    """

    machine: Machine
    step_seconds: float
    error: float
    cosine: float
    is_hopeless: bool = False

    @property
    def is_right(self) -> bool:
        return self.error <= LARGEST_ERROR and self.cosine >= SMALLEST_COSINE


def probe(
    network: nn.Module,
    loss: Callable[[Tensor, Batch], Tensor],
    batch: Batch,
    machine: Machine,
    seconds: float,
    *,
    is_thorough: bool = False,
) -> tuple[Machine, list[Probed]]:
    """The fastest right setting, and all that were measured.

    Args:
        network: is copied; its weights stay as they are.
        loss: outputs and batch → scalar.
        batch: a real training batch, prepared; where this machine is slow, a part of it is enough to compare by.
        machine: where to begin; its device is kept.
        seconds: what the probe may take, as a guide; it stops looking further after twice as much, or `MOST_SECONDS`.
        is_thorough: whether the other layout and as many threads as there are cores are measured too, and the fastest
            beside the given setting once more: of many times the least is least by chance.
    """
    before = torch.get_num_threads()
    candidates = list(_thorough(machine, _has_pictures(batch)) if is_thorough else _candidates(machine))
    most = min(2 * seconds, MOST_SECONDS)
    deadline = time.monotonic() + most
    part = _part(network, loss, batch, candidates[0], most / len(candidates) / (1 + WARM_UPS + FEWEST))
    times = len(batch) / len(part)
    found: list[Probed] = []
    exact: tuple[Tensor, Tensor] | None = None
    try:
        for candidate in candidates:
            best = min((one.step_seconds / times for one in found), default=math.inf)
            if found and time.monotonic() + (WARM_UPS + FEWEST) * best > deadline:
                break
            if any(one.is_hopeless and _is_alike(one.machine, candidate, is_thorough) for one in found):
                continue
            torch.set_num_threads(candidate.threads)
            copied = _laid_out(network, candidate, part)
            begun = _now(candidate)
            try:
                given = _told(copied, loss, part, candidate)
            except RuntimeError:  # a layer that has no kernel for this number format here
                if exact is None:
                    raise
                continue
            taken = _now(candidate) - begun
            exact = exact or given  # the first candidate is the reference: float32
            is_hopeless = taken > HOPELESS * best
            if not is_hopeless:
                taken = _time(copied, loss, part, candidate, min(seconds, MOST_SECONDS / 2) / len(candidates))
            found.append(Probed(candidate, times * taken, *_compare(given, exact), is_hopeless))
        if is_thorough:
            found = _confirmed(found, machine, lambda one: times * _again(network, loss, part, one))
    finally:
        torch.set_num_threads(before)
    fastest = _fastest(found)
    return (fastest if fastest.step_seconds < CLEARLY * found[0].step_seconds else found[0]).machine, found


def _is_alike(one: Machine, other: Machine, is_thorough: bool) -> bool:
    """Whether two settings are hopeless together: by the number format and, where there is time, the threads."""
    return one.number_format == other.number_format and (not is_thorough or one.threads == other.threads)


def _fastest(found: list[Probed]) -> Probed:
    """Of those that give the right result; the first is the reference."""
    return min([one for one in found if one.is_right] or found[:1], key=lambda one: one.step_seconds)


def _confirmed(found: list[Probed], own: Machine, again: Callable[[Machine], float]) -> list[Probed]:
    """The same with the fastest and the own setting measured once more: the one is as slow as at its slower time, the
    other as fast as at its faster one."""
    best = _fastest(found)
    if best.machine == own:
        return found
    later = {
        one.machine: max(one.step_seconds, again(one.machine)) if one is best else min(one.step_seconds, again(own))
        for one in found
        if one is best or (one.machine == own and not one.is_hopeless)
    }
    return [replace(one, step_seconds=later.get(one.machine, one.step_seconds)) for one in found]


def _again(network: nn.Module, loss: Callable[[Tensor, Batch], Tensor], batch: Batch, machine: Machine) -> float:
    """Seconds of an update, measured once more."""
    torch.set_num_threads(machine.threads)
    return _time(_laid_out(network, machine, batch), loss, batch, machine, MOST_SECONDS / 10)


def _laid_out(network: nn.Module, machine: Machine, batch: Batch) -> nn.Module:
    """A copy of the network, laid out in memory as a training with that setting lays it out."""
    copied = copy.deepcopy(network).train()
    if not _has_pictures(batch):
        return copied
    is_last = machine.layout == "channels_last"
    laid: nn.Module = copied.to(memory_format=torch.channels_last if is_last else torch.contiguous_format)  # type: ignore[call-overload]
    return laid


def _has_pictures(batch: Batch) -> bool:
    """Whether some input is pictures, [batch, channels, height, width]: for others layouts are no choice."""
    return any(isinstance(values, Tensor) and values.ndim == 4 for values in batch.inputs.values())


def _candidates(machine: Machine) -> Iterator[Machine]:
    many = machine.threads
    for threads in (many, 1) if many > 1 and machine.device == "cpu" else (many,):
        for name in _formats(machine):
            yield replace(machine, threads=threads, number_format=name)


def _formats(machine: Machine) -> tuple[str, ...]:
    is_asked = machine.number_format == "bfloat16" or _has_bfloat16(machine.device)
    return ("float32", "bfloat16") if is_asked else ("float32",)


def _thorough(machine: Machine, has_pictures: bool) -> Iterator[Machine]:
    """Float32 in the given threads and layout, by which the others are judged; the given setting; then all others,
    those in the given threads first unless these are more than there are cores."""
    yield replace(machine, number_format="float32")
    if machine.number_format != "float32":
        yield machine
    cores = usable_cores()
    further = [one for one in (1, cores) if one != machine.threads] if machine.device == "cpu" else []
    is_first = machine.device != "cpu" or machine.threads <= cores
    ordered = [machine.threads, *further] if is_first else [*further, machine.threads]
    layouts = ("channels_last", "contiguous") if has_pictures else (machine.layout,)
    for threads in dict.fromkeys(ordered):
        for layout in sorted(layouts, key=lambda one: one != machine.layout):
            for name in _formats(machine):
                one = replace(machine, threads=threads, layout=layout, number_format=name)
                if one not in (machine, replace(machine, number_format="float32")):
                    yield one


def _has_bfloat16(device: str) -> bool:
    """Whether a device may compute in bfloat16 itself. A processor that lacks the units imitates it: each setting would
    be looked at once, and once takes as long as ten to thirty updates."""
    if device != "cpu":
        return device != "mps"
    # Older versions of torch tell nothing: it is measured then.
    told: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    if told.get("architecture") != "x86_64":
        return True
    return any(told.get(name, False) for name in BFLOAT16_UNITS)


def _part(
    network: nn.Module, loss: Callable[[Tensor, Batch], Tensor], batch: Batch, machine: Machine, seconds: float
) -> Batch:
    """As many items of the batch as an update takes about `seconds` with; all of them where that is less.

    An update of hundreds of pictures may take longer than a short training has for all of its choices.
    """
    if len(batch) <= LEAST_PART or seconds <= 0:
        return batch
    few = cut(batch, LEAST_PART)[0]
    torch.set_num_threads(machine.threads)
    copied = copy.deepcopy(network).train()
    _once(copied, loss, few, machine)  # prepares kernels
    begun = _now(machine)
    _once(copied, loss, few, machine)
    affordable = int(LEAST_PART * seconds / max(_now(machine) - begun, 1e-6))
    return batch if affordable >= len(batch) else cut(batch, max(LEAST_PART, affordable))[0]


def _time(
    network: nn.Module, loss: Callable[[Tensor, Batch], Tensor], batch: Batch, machine: Machine, seconds: float
) -> float:
    """Seconds of forward and backward, the median of a few; first calls prepare kernels and do not count."""
    for _ in range(WARM_UPS):
        _once(network, loss, batch, machine)
    began = time.monotonic()
    taken: list[float] = []
    while len(taken) < FEWEST or (len(taken) < REPEATS and time.monotonic() - began < seconds):
        start = _now(machine)
        _once(network, loss, batch, machine)
        taken.append(_now(machine) - start)
    return median(taken)


def _now(machine: Machine) -> float:
    """The time, once the device has done all that it was told: it works on while the processor tells it more."""
    if machine.device != "cpu":
        getattr(torch, machine.device).synchronize()
    return time.monotonic()


def _compare(given: tuple[Tensor, Tensor], exact: tuple[Tensor, Tensor]) -> tuple[float, float]:
    """(relative error of the outputs, cosine of the gradients) against the exact ones."""
    error = float((given[0] - exact[0]).norm() / exact[0].norm().clamp_min(1e-12))
    return error, float(torch.nn.functional.cosine_similarity(given[1], exact[1], dim=0, eps=1e-20))


def _told(
    network: nn.Module, loss: Callable[[Tensor, Batch], Tensor], batch: Batch, machine: Machine
) -> tuple[Tensor, Tensor]:
    """(outputs, all gradients side by side) of one update."""
    outputs = _once(network, loss, batch, machine)
    gradients = [value.grad.flatten().float() for value in network.parameters() if value.grad is not None]
    return outputs.detach().float(), torch.cat(gradients)


def _once(network: nn.Module, loss: Callable[[Tensor, Batch], Tensor], batch: Batch, machine: Machine) -> Tensor:
    """The outputs; every weight has its gradient then."""
    network.zero_grad(set_to_none=True)
    # Dropout, where there is any, silences the same units in every format.
    with torch.random.fork_rng(devices=[]):
        seed_draws(0, torch.device(machine.device))
        with number_format(machine.number_format, machine.device):
            outputs: Tensor = network(batch)
    loss(outputs.float(), batch).backward()
    return outputs
