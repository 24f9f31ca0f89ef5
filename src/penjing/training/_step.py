"""One update. The loop knows nothing else about what is learned: a GAN or an agent brings another `Step`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from penjing.batch import Batch
from penjing.core.randomness import key
from penjing.training._compiled import compiled
from penjing.training._scaling import Scaling
from penjing.training._vitals import Pulse

TEACHER_LEARNS = 100  # updates after which the teacher has half of its share: at first it knows nothing


@runtime_checkable
class Step(Protocol):
    """What the loop asks of an update."""

    def update(self, batch: Batch, step: int, factor: float) -> Tensor:
        """Learn from one batch. `factor` multiplies the peak rate. Returns the loss, a scalar without gradient."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """Everything that an update changes, by name, to be kept in a checkpoint."""
        ...

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        ...


def number_format(name: str, device: str) -> contextlib.AbstractContextManager[Any]:
    """The context in which forward passes are computed in a recipe's `machine.number_format`."""
    if name == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device, getattr(torch, name))


@dataclass
class Supervised:
    """The usual update: loss of the network's outputs, gradient, optimiser.

    Attributes:
        network: what learns.
        loss: outputs and batch → a scalar.
        optimiser: moves the parameters; its rates are taken as the peak rates.
        seed: the recipe's; dropout draws from its streams.
        number_format: see `core.recipe.Machine`.
        ema: share of the old average kept at each step; 0 keeps no average.
        clip_norm: largest norm of the gradient; 0 does not clip.
        teacher: share of the loss that is the disagreement with what the moving average says; 0 has none.
        disagreement: the network's outputs and the teacher's → a scalar, 0 where they agree.
        is_compiled: whether forward and backward passes run as compiled code.
    """

    network: nn.Module
    loss: Callable[[Tensor, Batch], Tensor]
    optimiser: torch.optim.Optimizer
    seed: int
    number_format: str = "float32"
    ema: float = 0.0
    clip_norm: float = 0.0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    teacher: float = 0.0
    disagreement: Callable[[Tensor, Tensor], Tensor] | None = None
    is_compiled: bool = False

    def __post_init__(self) -> None:
        self._peaks = [group["lr"] for group in self.optimiser.param_groups]
        # Looked up once: the network's tensors stay where they are, whatever is written into them.
        current = _averaged(self.network) if self.ema else {}
        self._average = {name: value.clone() for name, value in current.items()}
        self._current, self._averages_kept = list(current.values()), list(self._average.values())
        self._learned = [weight for group in self.optimiser.param_groups for weight in group["params"]]
        if hasattr(self.optimiser, "number_format"):
            self.optimiser.number_format = self.number_format
        self.scaling = Scaling(self.number_format, self.optimiser, self.device)
        self._answer: Callable[[Batch], Tensor] = compiled(self.network) if self.is_compiled else self.network
        self._pulse = Pulse(self.network)
        self._norm: Tensor | None = None  # of the last gradient before it was clipped

    def is_sound(self) -> bool:
        """Whether all that is learned is a number still."""
        return all(bool(torch.isfinite(weight).all()) for weight in self._learned)

    def look(self) -> None:
        """Keep what `pulse` compares the next update with."""
        self._pulse.before(self._unclipped())

    def pulse(self) -> dict[str, float]:
        """What the last update was, where `look` was called before it: see `_vitals.Pulse.after`. Nothing, where it
        was left out for the sake of float16."""
        return {} if self.scaling.was_left_out else self._pulse.after(self._unclipped())

    def _unclipped(self) -> float:
        """What a gradient is multiplied by to have the size it had before it was clipped."""
        return 1.0 if self._norm is None else max(1.0, float(self._norm) / self.clip_norm)

    def update(self, batch: Batch, step: int, factor: float) -> Tensor:
        if not self.network.training:  # walking over all layers costs more than small ones do
            self.network.train()
        for group, peak in zip(self.optimiser.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor
        batch = batch.to(self.device)
        if getattr(self.optimiser, "measures_again", False):
            loss: Any = self.optimiser.step(lambda: self._measure(batch, step))  # type: ignore[arg-type, return-value]
            has_moved = True
        else:
            loss = self._measure(batch, step)
            has_moved = self.scaling.move()
        if has_moved:
            self._move_average(step)
        found: Tensor = loss.detach()
        return found

    def _measure(self, batch: Batch, step: int) -> Tensor:
        """The loss of a batch, and its gradient in the weights; the same draws however often a step is measured."""
        seed_draws(key(self.seed, "dropout", step), self.device)
        for weight in self._learned:  # `optimiser.zero_grad` does the same, and notes it for a profiler
            weight.grad = None
        with number_format(self.number_format, self.device.type):
            outputs = self._answer(batch)
        loss = self.loss(outputs.float(), batch)
        if self.disagreement is not None and self.teacher:
            share = self.teacher * step / (TEACHER_LEARNS + step)
            loss = torch.lerp(loss, self.disagreement(outputs.float(), self._taught(batch)), share)
        self.scaling.backward(loss)
        if self.clip_norm:
            self._norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.clip_norm)
        return loss

    @torch.no_grad()
    def _taught(self, batch: Batch) -> Tensor:
        """What the moving average of the weights says of a batch.

        Source: A. Tarvainen, H. Valpola, Mean teachers are better role models, NeurIPS 2017. Departures: there are no
        items without labels, and the teacher silences no units.
        """
        self.network.eval()
        try:
            with number_format(self.number_format, self.device.type):
                said = torch.func.functional_call(self.network, self._average, (batch,), tie_weights=False)
        finally:
            self.network.train()
        outputs: Tensor = said.float()
        return outputs

    @torch.no_grad()
    def _move_average(self, step: int) -> None:
        if not self.ema:
            return
        # Early on the average follows fast, or it would remember the untrained network.
        kept = min(self.ema, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._averages_kept, self._current, 1 - kept)

    def _averages(self) -> dict[str, Tensor]:
        """What predicts in the place of the network's own values: the moving average, and before it the average of an
        optimiser that keeps one (`schedule_free`)."""
        average_of = getattr(self.optimiser, "average_of", None)
        if average_of is None:
            return self._average
        learned = [(name, weight) for name, weight in self.network.named_parameters() if weight.requires_grad]
        return {**self._average, **{name: average_of(weight) for name, weight in learned}}

    def weights(self) -> dict[str, Tensor]:
        """The weights to evaluate and keep: the averages where there are some. Copies."""
        found = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        found.update({name: value.clone() for name, value in self._averages().items()})
        return found

    @contextlib.contextmanager
    def evaluating(self) -> Any:
        """Inside the block the network holds the weights to evaluate, in evaluation mode."""
        averages = self._averages()
        kept = {name: value.detach().clone() for name, value in _averaged(self.network).items()} if averages else {}
        self.network.eval()
        try:
            _assign(self.network, averages)
            yield self.network
        finally:
            _assign(self.network, kept)
            self.network.train()

    def tensors(self) -> dict[str, Tensor]:
        found = {f"network/{name}": value.detach() for name, value in self.network.state_dict().items()}
        found.update({f"average/{name}": value for name, value in self._average.items()})
        found.update({f"scaling/{name}": value for name, value in self.scaling.tensors().items()})
        for index, state in self.optimiser.state_dict()["state"].items():
            for name, value in state.items():
                tensor = value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)
                found[f"optimiser/{index}/{name}"] = tensor.detach()
        return found

    def restore(self, tensors: dict[str, Tensor]) -> None:
        network = {name[8:]: value for name, value in tensors.items() if name.startswith("network/")}
        self.scaling.restore({name[8:]: value for name, value in tensors.items() if name.startswith("scaling/")})
        self.network.load_state_dict(network)
        for name, value in self._average.items():
            value.copy_(tensors[f"average/{name}"])
        state = self.optimiser.state_dict()
        state["state"] = {}
        for name, value in tensors.items():
            if name.startswith("optimiser/"):
                _, index, part = name.split("/")
                state["state"].setdefault(int(index), {})[part] = value.clone()
        self.optimiser.load_state_dict(state)
        self._lay_out_state()

    def _lay_out_state(self) -> None:
        """Lay the optimiser's memories out as their weights are: a file holds them contiguous, and fused optimisers
        walk both by address."""
        for weight, state in self.optimiser.state.items():
            for name, value in state.items():
                if isinstance(value, Tensor) and value.shape == weight.shape:
                    state[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


def seed_draws(seed: int, device: torch.device) -> None:
    """Begin the draws of layers anew, on the processor and on the device.

    `torch.manual_seed` does so for all devices there may be; where CUDA was never used it writes down each call, with
    the whole stack, for the day that it is: a third of a millisecond a call, and memory that never comes back.
    """
    torch.default_generator.manual_seed(seed)
    if device.type != "cpu":
        getattr(torch, device.type).manual_seed(seed)


def _averaged(network: nn.Module) -> dict[str, Tensor]:
    """What is averaged: weights, and what normalisation learned of its inputs. Any other buffer is what it is: a mask
    may hold infinities, whose average is not a number, and a table of words fills megabytes."""
    names = {name for name, _ in network.named_parameters(remove_duplicate=False)}
    for place, module in network.named_modules():
        if isinstance(module, nn.modules.batchnorm._NormBase):
            names |= {f"{place}.{name}" if place else name for name, _ in module.named_buffers(recurse=False)}
    known = network.state_dict().items()
    return {name: value for name, value in known if name in names and value.is_floating_point()}


@torch.no_grad()
def _assign(network: nn.Module, values: dict[str, Tensor]) -> None:
    if values:
        current = _averaged(network)
        torch._foreach_copy_([current[name] for name in values], list(values.values()))
