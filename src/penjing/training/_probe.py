"""Measures how this machine runs this network fastest, and refuses a setting whose results are wrong.

A few updates are timed on copies of the real network with a real batch. A number format other than float32 is
taken only when it is faster and its outputs and gradients agree with float32 (`_agree`): some bfloat16 convolutions
are wrong or slow in current versions of torch, and processors without bfloat16 imitate it at many times the cost.

The batch size is not among what is measured: it changes what is learned, and not only how fast.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from penjing.batch import Batch
from penjing.core.process import usable_cores
from penjing.core.recipe import Machine
from penjing.training._agree import SAME, Agreement, Told, agreement
from penjing.training._loader import cut
from penjing.training._scaling import FIRST, needs_float16
from penjing.training._step import number_format, seed_draws

MOST_SECONDS = 5.0  # of the whole probe, however long a training may take
FEWEST_ITEMS, LEAST_PART = 4, 32  # items: that it begins with, and of fewer than which an update costs hardly less
LOOKS, REPEATS = 2, 7  # updates of a setting: that must fit into the time, and at most
SHARE = 4  # of a setting's part of the time, what an update takes, about: one to compare, three to time
# Of the time, an update that takes more is the only thing measured: nothing else could be within the rest.
TOO_LONG = 0.25
COLD_SECONDS = 0.3  # that a first update may take for what it prepares, and tell nothing of the next one
IMITATED = (
    4  # times less than usual an update takes where bfloat16 may be imitated, which takes up to thirty times more
)
BFLOAT16_UNITS = ("avx512_bf16", "amx_bf16")  # of processors of the x86-64 kind
# A setting whose very first update takes so many times the best one's is not looked at again, beyond what preparing its
# kernels costs: some times an update, but not this much; of small networks up to so many seconds.
HOPELESS, PREPARING_SECONDS = 8.0, 0.05
# Of the first setting's time, what another one must stay under: of two that are as fast, a few updates tell neither.
CLEARLY = 0.9


@dataclass(frozen=True)
class Probed:
    """One setting, measured.

    Attributes:
        machine: the setting.
        step_seconds: forward and backward of the whole batch, median.
        agreement: with float32.
        is_hopeless: whether the first update was so slow that it was the only one; it is then what `step_seconds` says.
    """

    machine: Machine
    step_seconds: float
    agreement: Agreement = SAME
    is_hopeless: bool = False

    @property
    def is_right(self) -> bool:
        return not self.agreement.fault


def probe(
    network: nn.Module,
    loss: Callable[[Tensor, Batch], Tensor],
    batch: Batch,
    machine: Machine,
    seconds: float,
    *,
    is_thorough: bool = False,
    among: Sequence[Machine] = (),
) -> tuple[Machine, list[Probed]]:
    """The fastest right setting, and all that were measured.

    Args:
        network: is copied; its weights stay as they are.
        loss: outputs and batch → scalar.
        batch: a real training batch, prepared; where this machine is slow, a part of it is enough to compare by.
        machine: where to begin; its device is kept.
        seconds: what the probe may take, or `MOST_SECONDS` where that is less. An update is not cut short: one that
            begins in time may end later, and a first one always is. Where one alone takes a quarter of the time, the
            first setting is taken at once. What a device loads for the very first update of all comes before it.
        is_thorough: whether the other layout and as many threads as there are cores are measured too, and the fastest
            beside the given setting once more: of many times the least is least by chance.
        among: the settings to measure, in the place of all others; the first is what the rest are judged by.
    """
    before = torch.get_num_threads()
    usual = _thorough(machine, _has_pictures(batch)) if is_thorough else _candidates(machine)
    candidates = list(among or usual)
    most = min(seconds, MOST_SECONDS)
    _load(network, loss, _some(batch, FEWEST_ITEMS), candidates[0])
    begun = _now(candidates[0])
    try:
        part, taken = _part(network, loss, batch, candidates, most)
        times = len(batch) / len(part)
        if taken > TOO_LONG * most:
            return candidates[0], [Probed(candidates[0], times * taken)]
        until = begun + most * (0.8 if is_thorough else 1.0)  # what is told is measured once more
        found = _measured(network, loss, part, candidates, until, is_thorough)
        if is_thorough:
            again = lambda one: _again(network, loss, part, one, most / 10)  # noqa: E731 - a measurement of two
            found = _confirmed(found, machine, again)
    finally:
        torch.set_num_threads(before)
    fastest = _fastest(found)
    best = fastest if fastest.step_seconds < CLEARLY * found[0].step_seconds else found[0]
    return best.machine, [replace(one, step_seconds=times * one.step_seconds) for one in found]


def _measured(
    network: nn.Module,
    loss: Callable[[Tensor, Batch], Tensor],
    part: Batch,
    candidates: Sequence[Machine],
    until: float,
    is_thorough: bool,
) -> list[Probed]:
    """Each setting's seconds for an update of the part, as far as the time goes; the first is what is right."""
    each = (until - time.monotonic()) / 2 / len(candidates)
    found: list[Probed] = []
    exact: Told | None = None
    for candidate in candidates:
        best = min((one.step_seconds for one in found), default=math.inf)
        if found and time.monotonic() + LOOKS * best > until:
            break
        if any(one.is_hopeless and _is_alike(one.machine, candidate, is_thorough) for one in found):
            continue
        torch.set_num_threads(candidate.threads)
        copied = _laid_out(network, candidate, part)
        try:
            _load(network, loss, part, candidate)
            begun = _now(candidate)
            given = _told(copied, loss, part, candidate)
        except RuntimeError:  # a layer that has no kernel for this number format here
            if exact is None:
                raise
            continue
        taken = _now(candidate) - begun
        exact = exact or given  # the first candidate is the reference: float32
        is_hopeless = taken > HOPELESS * best + PREPARING_SECONDS
        left = min(each, until - time.monotonic())
        if not is_hopeless and left > 0:
            taken = _time(copied, loss, part, candidate, left)
        alike = SAME if given is exact else agreement(given, exact)
        found.append(Probed(candidate, taken, alike, is_hopeless))
    return found


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


def _again(
    network: nn.Module, loss: Callable[[Tensor, Batch], Tensor], batch: Batch, machine: Machine, seconds: float
) -> float:
    """Seconds of an update, measured once more."""
    torch.set_num_threads(machine.threads)
    return _time(_laid_out(network, machine, batch), loss, batch, machine, seconds)


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
    found = ("float32", "bfloat16") if is_asked else ("float32",)
    return (*found, "float16") if machine.number_format == "float16" or needs_float16(machine.device) else found


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


def _may_imitate(candidates: Sequence[Machine]) -> bool:
    """Whether bfloat16 is among the settings of a processor that is not known to have the units for it."""
    told: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    is_asked = any(one.number_format == "bfloat16" and one.device == "cpu" for one in candidates)
    return is_asked and not any(told.get(name, False) for name in BFLOAT16_UNITS)


def _part(
    network: nn.Module,
    loss: Callable[[Tensor, Batch], Tensor],
    batch: Batch,
    candidates: Sequence[Machine],
    most: float,
) -> tuple[Batch, float]:
    """As many items of the batch as updates of every setting take about `most` seconds with, all of them where that is
    less; and how long an update of the last few that were tried took.

    It begins with few items: an update of hundreds of pictures may take longer than a short training has for all of its
    choices, and one of a large network's longer than a long one has. So few say little of many, for an update costs
    something however few they are: where it is affordable, no fewer than `LEAST_PART` are compared by.
    """
    seconds = most / len(candidates) / SHARE / (IMITATED if _may_imitate(candidates) else 1)
    torch.set_num_threads(candidates[0].threads)
    copied = _laid_out(network, candidates[0], batch)
    taken, size, affordable = 0.0, 0, 0
    for size in [size for size in (FEWEST_ITEMS, LEAST_PART) if size < len(batch)] or [len(batch)]:
        few = _some(batch, size)
        taken = _warm(copied, loss, few, candidates[0], most)
        affordable = int(size * seconds / taken)
        if taken * LEAST_PART > TOO_LONG * most * size:
            break
    return batch if affordable >= len(batch) else cut(batch, max(size, affordable))[0], taken


def _some(batch: Batch, size: int) -> Batch:
    """So many items of the batch, or all that there are."""
    return cut(batch, size)[0] if size < len(batch) else batch


def _load(network: nn.Module, loss: Callable[[Tensor, Batch], Tensor], batch: Batch, machine: Machine) -> None:
    """An update that nobody times, on any device but the processor: kernels are loaded there when they are first asked
    for, in a tenth of a second to two, where an update takes milliseconds."""
    if machine.device != "cpu":
        _once(_laid_out(network, machine, batch), loss, batch, machine)


def _warm(
    network: nn.Module, loss: Callable[[Tensor, Batch], Tensor], batch: Batch, machine: Machine, most: float
) -> float:
    """Seconds of an update once its kernels are prepared; of the first one where a second would cost too much."""
    taken = math.nan
    for _ in range(2):
        begun = _now(machine)
        _once(network, loss, batch, machine)
        taken = max(_now(machine) - begun, 1e-6)
        if taken > max(most / 2, COLD_SECONDS):
            break
    return taken


def _time(
    network: nn.Module, loss: Callable[[Tensor, Batch], Tensor], batch: Batch, machine: Machine, seconds: float
) -> float:
    """Seconds of forward and backward, the median of as many as the time allows, at least one; where there are several,
    the first, which still prepares something, does not count."""
    began = time.monotonic()
    taken: list[float] = []
    while not taken or (len(taken) <= REPEATS and time.monotonic() - began + taken[-1] < seconds):
        start = _now(machine)
        _once(network, loss, batch, machine)
        taken.append(_now(machine) - start)
    return median(taken[1:] or taken)


def _now(machine: Machine) -> float:
    """The time, once the device has done all that it was told: it works on while the processor tells it more."""
    if machine.device != "cpu":
        getattr(torch, machine.device).synchronize()
    return time.monotonic()


def _told(network: nn.Module, loss: Callable[[Tensor, Batch], Tensor], batch: Batch, machine: Machine) -> Told:
    """Outputs and gradients of one update."""
    outputs = _once(network, loss, batch, machine)
    scale = _scale(machine)
    gradients = {name: value.grad / scale for name, value in network.named_parameters() if value.grad is not None}
    return Told(outputs.detach().float(), None if outputs.grad is None else outputs.grad / scale, gradients)


def _scale(machine: Machine) -> float:
    """What the loss is multiplied by, so that its gradient is one in float16."""
    return FIRST if machine.number_format == "float16" else 1.0


def _once(network: nn.Module, loss: Callable[[Tensor, Batch], Tensor], batch: Batch, machine: Machine) -> Tensor:
    """The outputs; every weight has its gradient then, times `_scale`."""
    network.zero_grad(set_to_none=True)
    # Dropout, where there is any, silences the same units in every format.
    with torch.random.fork_rng(devices=[]):
        seed_draws(0, torch.device(machine.device))
        with number_format(machine.number_format, machine.device):
            outputs: Tensor = network(batch)
    outputs.retain_grad()
    (loss(outputs.float(), batch) * _scale(machine)).backward()
    return outputs
