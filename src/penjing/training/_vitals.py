"""How a training is doing inside: what a doctor reads in the record beside losses and metrics.

An update that is followed by an evaluation is seen from before and after (`Pulse`), and a few training items are sent
through the network once more to see what its units do (`activations`). Everything is looked at, nothing is changed.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

NEARLY = 0.01  # of a unit's range: this close to a bound is saturated
FLAT = 0.01  # a slope of an activation: what lies under it hardly gets a gradient
MOSTLY = 0.8  # share of values that must be at a bound for a unit to be called saturated

# Activations that can fall silent, and those that have bounds to get stuck at.
_CAN_DIE = {"relu", "gelu", "silu", "hardswish"}
TABLES = (nn.Embedding, nn.EmbeddingBag)
_BOUNDS = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "hardsigmoid": (0.0, 1.0)}
# What gives units along the second axis; after anything else that has weights they are along the last one.
_UNITS_SECOND = ("conv", "batch_norm", "group_norm")
_UNITS_LAST = ("mm", "linear", "layer_norm", "embedding")


class Pulse:
    """One update seen from before and after: norms of gradients and weights, and how far each layer moved.

    Args:
        network: what learns.
    """

    def __init__(self, network: nn.Module) -> None:
        self._layers = dict(_layers_of(network))
        tables = {name for name, module in network.named_modules() if isinstance(module, TABLES)}
        self._kinds = {name: "table" if name in tables else "layer" for name in self._layers}
        self._weights = [weight for weights in self._layers.values() for weight in weights]
        self._before: list[Tensor] = []
        self._earlier: list[Tensor | None] = []

    def before(self, scale: float) -> None:
        """Keep the weights, and the gradients of the update before, of which `scale` is the size to give them back."""
        self._before = [weight.detach().clone() for weight in self._weights]
        self._earlier = [None if weight.grad is None else _scaled(weight.grad, scale) for weight in self._weights]

    @torch.no_grad()
    def after(self, scale: float) -> dict[str, float]:
        """What the update was.

        Args:
            scale: what gradients are multiplied by to have the size that they had before they were clipped.

        Returns:
            `gradient/norm` of all weights; `gradient/square`, the mean square norm of this gradient and the one of the
            update before, and `gradient/shared`, their product: twice the data would leave only what is shared (left
            out where the update before was in another process); and for each layer that has a matrix
            `layer/NAME/grad_norm`, `weight_norm` and `update_ratio`, how far it moved beside its size (left out
            where its weights are zero). Tables of vectors, of which a batch reaches a few rows, are `table/NAME/…`.
        """
        if not self._before:
            return {}
        gradients = [_zeros(weight) if weight.grad is None else _scaled(weight.grad, scale) for weight in self._weights]
        moved = torch._foreach_sub([weight.detach() for weight in self._weights], self._before)
        squares = {
            kind: [norm**2 for norm in torch.stack(torch._foreach_norm(of)).double().tolist()]
            for kind, of in (("grad", gradients), ("weight", self._before), ("moved", moved))
        }
        whole = sum(squares["grad"])
        found = {"gradient/norm": math.sqrt(whole)}
        if all(gradient is not None for gradient in self._earlier):
            earlier = [gradient for gradient in self._earlier if gradient is not None]
            shared = [(one * other).sum() for one, other in zip(gradients, earlier, strict=True)]
            square = sum(norm**2 for norm in torch.stack(torch._foreach_norm(earlier)).double().tolist())
            found["gradient/square"] = (whole + square) / 2
            found["gradient/shared"] = float(torch.stack(shared).double().sum())
        found.update(self._by_layer(squares))
        self._before, self._earlier = [], []
        return found

    def _by_layer(self, squares: Mapping[str, Sequence[float]]) -> dict[str, float]:
        found: dict[str, float] = {}
        first = 0
        for name, weights in self._layers.items():
            last = first + len(weights)
            grad, weight, moved = (math.sqrt(sum(squares[kind][first:last])) for kind in ("grad", "weight", "moved"))
            first = last
            if all(one.ndim < 2 for one in weights):  # scales and offsets alone follow the layer before them
                continue
            told = f"{self._kinds[name]}/{name}"
            found[f"{told}/grad_norm"] = grad
            found[f"{told}/weight_norm"] = weight
            if weight > 0:
                found[f"{told}/update_ratio"] = moved / weight
        return found


def _zeros(weight: Tensor) -> Tensor:
    return torch.zeros_like(weight)


def _scaled(gradient: Tensor, scale: float) -> Tensor:
    """A gradient times `scale`; itself where that is 1, for no update writes into the gradient of the one before."""
    return gradient if scale == 1.0 else gradient * scale


def _layers_of(network: nn.Module) -> Iterator[tuple[str, list[nn.Parameter]]]:
    """The layers that have weights of their own to learn, in the order in which they were built."""
    for name, module in network.named_modules():
        weights = [weight for weight in module.parameters(recurse=False) if weight.requires_grad]
        if weights:
            yield name or "network", weights


def first_told(pulse: Mapping[str, float], loss: float) -> dict[str, float]:
    """What the very first update was like, from its `Pulse` and the loss of its batch.

    Returns:
        `first/loss`; `first/gradient_norm`; and in the middle one of the layers `first/gradient_ratio`, the gradient
        beside the weights, and `first/update_ratio`.
    """
    layers = [name.removesuffix("/grad_norm") for name in pulse if name.endswith("/grad_norm")]
    there = [one for one in layers if pulse[f"{one}/weight_norm"] > 0]
    ratios = {
        "gradient": [pulse[f"{one}/grad_norm"] / pulse[f"{one}/weight_norm"] for one in there],
        "update": [pulse[f"{one}/update_ratio"] for one in there],
    }
    middle = {f"first/{kind}_ratio": median(values) for kind, values in ratios.items() if values}
    norm = {"first/gradient_norm": pulse["gradient/norm"]} if "gradient/norm" in pulse else {}
    return {"first/loss": loss, **norm, **middle}


def activations(network: nn.Module, batch: Any) -> dict[str, float]:
    """What the units of a network do with a batch, in the mode that the network is in.

    Args:
        network: called once with the batch.
        batch: what it takes.

    Returns:
        For each activation function that the batch went through, named after the module that called it:
        `activation/NAME/mean` and `std`; `dead`, the share of units that get no gradient from any item, where the
        function can fall silent; `saturated`, the share of units that are at a bound for nearly every item, where it
        has bounds and a layer follows: answers may well be sure. And what the first layer with a matrix gets, of each
        encoder or else of the first part that has one:
        `entering/PART/mean` and `std`; `uneven`, how many times the usual spread its most spread value or channel has.
    """
    watch = _Watch()
    with watch.naming(network), watch:
        network(batch)
    answers = {f"activation/{name}/saturated" for name in watch.last}
    return {name: value for name, value in watch.found.items() if name not in answers} | watch.entering()


def flop(network: nn.Module, batch: Any) -> int:
    """Floating-point operations of one forward pass of a batch: multiplications and additions of its layers."""
    with FlopCounterMode(display=False) as counter:
        network(batch)
    return int(counter.get_total_flops())


def resident_bytes() -> int | None:
    """Memory that this process holds now; None where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def noise(losses: Sequence[Tensor]) -> float | None:
    """How much the losses of batches scatter from one to the next, whatever their course; None of fewer than two."""
    if len(losses) < 2:
        return None
    values = torch.stack(list(losses)).double()
    return float(values.diff().square().mean().sqrt() / math.sqrt(2))


def _spread_of(values: Tensor) -> dict[str, float]:
    """Mean and spread of what enters a layer: maps [items, channels, …] by channel, else [items, …, values]."""
    if not values.isfinite().all() or len(values) < 2:
        return {}
    units = values.movedim(1 if values.ndim > 3 else -1, 0).flatten(1)
    spread = units.std(1, correction=0)
    usual = float(spread[spread > 0].median()) if (spread > 0).any() else 0.0
    told = {"mean": float(values.mean()), "std": float(values.std(correction=0))}
    return {**told, "uneven": float(spread.max()) / usual} if usual and len(units) > 1 else told


class _Watch(TorchDispatchMode):
    """Sees every operation of a forward pass, and measures those that are activation functions."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, float] = {}
        self._inside: list[str] = []
        self._units = -1
        self.last: list[str] = []  # the functions behind the last layer
        self._times: dict[str, int] = {}
        self._entered: dict[str, dict[str, float]] = {}

    @contextlib.contextmanager
    def naming(self, network: nn.Module) -> Iterator[None]:
        """Inside the block it is known which module is at work."""
        hooks = []
        for name, module in network.named_modules():
            hooks.append(module.register_forward_pre_hook(lambda one, given, name=name: self._enter(name, one, given)))
            hooks.append(module.register_forward_hook(lambda *_: self._inside.pop() and None))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _enter(self, name: str, module: nn.Module, given: tuple[Any, ...]) -> None:
        self._inside.append(name)
        part = ".".join(name.split(".")[:2]) if name.startswith("encoder.") else "network"
        has_matrix = any(weight.ndim > 1 for weight in module.parameters(recurse=False))
        if has_matrix and part not in self._entered and given and isinstance(given[0], Tensor):
            values = given[0].detach()
            self._entered[part] = _spread_of(values.float()) if values.is_floating_point() else {}

    def entering(self) -> dict[str, float]:
        """What the first layers got; a part behind other parts that have such layers is not told."""
        encoders = {part: told for part, told in self._entered.items() if part.startswith("encoder.")}
        first = encoders or dict(list(self._entered.items())[:1])
        return {f"entering/{part}/{name}": value for part, told in first.items() for name, value in told.items()}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__.strip("_")
        given = args[0].detach().clone() if name in _CAN_DIE and isinstance(args[0], Tensor) else None  # as it was
        result = func(*args, **(kwargs or {}))
        is_layer = True
        if any(part in name for part in _UNITS_SECOND):
            self._units = 1
        elif any(part in name for part in _UNITS_LAST):
            self._units = -1
        else:
            is_layer = False
        if is_layer:
            self.last = []
        if (name in _CAN_DIE or name in _BOUNDS) and isinstance(result, Tensor) and result.ndim > 1:
            self._measure(name, given, result.detach())
        return result

    def _measure(self, kind: str, given: Tensor | None, values: Tensor) -> None:
        units = self._by_unit(values)
        if len(units) < 2:  # one number is an answer and no layer of units
            return
        name = self._name()
        self.last.append(name)
        self.found[f"activation/{name}/mean"] = float(units.mean())
        self.found[f"activation/{name}/std"] = float(units.std(correction=0))
        if given is not None:
            is_silent = _is_flat(kind, self._by_unit(given)).all(1)
            self.found[f"activation/{name}/dead"] = float(is_silent.float().mean())
        else:
            low, high = _BOUNDS[kind]
            near = NEARLY * (high - low)
            is_stuck = ((units < low + near) | (units > high - near)).float().mean(1) >= MOSTLY
            self.found[f"activation/{name}/saturated"] = float(is_stuck.float().mean())

    def _by_unit(self, values: Tensor) -> Tensor:
        """float32 [units, values of each]."""
        return values.float().movedim(self._units, 0).flatten(1)

    def _name(self) -> str:
        """The module at work; a second function of one module has its number behind it."""
        name = (self._inside[-1] if self._inside else "") or "network"
        self._times[name] = self._times.get(name, 0) + 1
        return name if self._times[name] == 1 else f"{name}:{self._times[name]}"


def _is_flat(kind: str, given: Tensor) -> Tensor:
    """Bool of each value that enters a function, whether it is where the function lets no gradient through.

    The slope has no unit, so that a layer of small numbers is not taken for a silent one.
    """
    if kind == "relu":
        return given <= 0
    if kind == "hardswish":
        return given <= -3
    if kind == "gelu":
        normal = torch.exp(-given.square() / 2) / math.sqrt(2 * math.pi)
        slope = torch.special.ndtr(given) + given * normal
    else:
        gate = given.sigmoid()
        slope = gate * (1 + given * (1 - gate))
    return (slope.abs() <= FLAT) & (given < -2)
