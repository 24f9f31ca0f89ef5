"""A person's own network, as it stands: --model net.py:Net, or an object from Python.

It is whole: its outputs are the answer, and no head of ours stands behind it. Its weights are where training begins, so
a network that has learned elsewhere goes on from there.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never

import numpy as np
import torch
from torch import Tensor, nn

from penjing.core import plugins
from penjing.core.errors import UsageError
from penjing.core.randomness import key
from penjing.models._likeness import are_alike

NAME = "own"
# It is asked for by its place, so it races for no input.
TAKES: tuple[str, ...] = ()
PREPROCESS = ("standardised", "unit", "raw", "imagenet")
GIVES = ("logits", "probabilities", "standardised", "numbers")
BEGINS = ("given", "drawn")


@dataclass(frozen=True)
class Settings:
    """Which network it is, and how it is spoken to.

    Attributes:
        source: where it can be made again: "package.module:Name" or "file.py:Name"; "" where only the object is it.
        kind: its class, for people.
        weights: a hash of the weights with which training begins.
        preprocess: what a picture is to it: "standardised" (mean 0 and spread 1 a channel over the training part),
            "unit" (0 to 1), "raw" (0 to 255) or "imagenet" (0 to 1, then ImageNet's mean and spread); for a table,
            "raw" gives the cells as numbers, NaN where one is missing.
        gives: what its outputs are: "logits", "probabilities", "standardised" (numbers as the training part's mean and
            spread have them) or "numbers" (in the target's own units).
        names: which class or label each output is; () takes the order of the data's.
        begins: with which weights training begins: "given", those that it has, or "drawn", those that its layers
            (what has `reset_parameters`) draw for themselves by the recipe's seed.
        activation: what stands in the place of the activation modules between its layers: "relu", "leaky_relu", "gelu"
            or "silu"; "" leaves them.
    """

    source: str = ""
    kind: str = ""
    weights: str = ""
    preprocess: str = "standardised"
    gives: str = "logits"
    names: tuple[str, ...] = ()
    begins: str = "given"
    activation: str = ""


@dataclass(frozen=True)
class Own:
    """A network that a person gave.

    Attributes:
        module: the network; it is copied before anything is done to it.
        source: where it can be made again, or "".
        preprocess: see `Settings`.
        names: see `Settings`.
        is_trained: whether it answers as it is (adopted), rather than learns here.
    """

    module: nn.Module
    source: str = ""
    preprocess: str = "standardised"
    names: tuple[str, ...] = ()
    is_trained: bool = False


def build(shape: tuple[int, ...], settings: Settings) -> Never:  # noqa: ARG001 - every model is asked in the same words
    """There is nothing to build: it is given.

    Raises:
        UsageError: always; the message says how to give one.
    """
    raise UsageError(
        "own stands for a network of your own: give it as --model net.py:Net, or from Python as "
        "pj.fit(data, model=my_module)"
    )


def is_source(name: str) -> bool:
    """Whether a name says where an object is, as "file.py:Name" or "package.module:Name" do."""
    place, sign, attribute = name.rpartition(":")
    return bool(sign and place and attribute.isidentifier())


def placed(source: str) -> str:
    """The same place of a network, whichever folder a later command is given in: the path of a file is made whole."""
    place, _, name = source.rpartition(":")
    is_path = place.endswith(".py") or "/" in place or "\\" in place
    return f"{Path(place).expanduser().resolve()}:{name}" if is_path else source


def make(source: str, seed: int) -> nn.Module:
    """The network behind "file.py:Name" or "package.module:Name": a class, a function that makes one, or the object.

    Args:
        seed: of the draws that making it takes, so that it begins with the same weights each time.

    Raises:
        UsageError: there is none, or it cannot be made without arguments.
    """
    found = _named(source)
    if isinstance(found, nn.Module):
        return found
    if not callable(found):
        raise UsageError(
            f"{source} is a {type(found).__name__}; expected a torch.nn.Module or a function that makes one"
        )
    try:
        with drawing(seed):
            made = found()
    except Exception as problem:
        raise UsageError(
            f"{source}() cannot be made without arguments ({problem}); give the object from Python: "
            "model=, or name a function that makes it"
        ) from problem
    if not isinstance(made, nn.Module):
        raise UsageError(f"{source}() is a {type(made).__name__}; expected a torch.nn.Module")
    return made


def is_network(source: str) -> bool:
    """Whether what a name stands for is a network, or a function; a plug-in has `build` instead.

    Raises:
        UsageError: there is nothing of that name.
    """
    found = _named(source)
    return not hasattr(found, "build") or isinstance(found, nn.Module | type)


def _named(source: str) -> Any:
    place, _, name = source.rpartition(":")
    file = Path(place)
    if file.is_absolute() and not file.exists() and Path(file.name).exists():  # as of a project that moved
        place = file.name
    module = plugins.find("models", place).load()
    if not hasattr(module, name):
        raise UsageError(f'{place} has no "{name}"')
    return getattr(module, name)


def source_of(module: nn.Module) -> str:
    """Where a network can be made again, of the same layers with the same settings, or "" where it cannot."""
    kind = type(module)
    source = f"{kind.__module__}:{kind.__qualname__}"
    if kind.__module__ in ("__main__", "builtins") or not is_source(source) or kind.__module__ not in sys.modules:
        return ""
    if importlib.util.find_spec(kind.__module__) is None:
        return ""
    try:
        again = make(source, 0)
        return source if again.state_dict() and are_alike(module, again) else ""
    except Exception:  # what cannot be made or compared, as tensors without values, is asked for again
        return ""


@contextmanager
def drawing(seed: int) -> Iterator[None]:
    """Draws of torch, numpy and Python inside the block follow from the seed; outside nothing is changed."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key(seed, "own"))
        random.seed(key(seed, "own"))
        np.random.seed(key(seed, "own") % 2**32)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def hash_of(weights: Mapping[str, Tensor]) -> str:
    """A short hash of weights and of their names."""
    found = hashlib.blake2b(digest_size=8)
    for name, value in weights.items():
        found.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        found.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


class Inside(nn.Module):
    """A person's network where inputs meet: every prepared input in, its outputs [batch, outputs] out.

    Args:
        module: a torch module, or what `penjing.keras` makes of a Keras model.
        names: of the inputs, in order.

    Raises:
        UsageError: it takes another number of inputs.
    """

    def __init__(self, module: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.order = _order(module, names)
        self.module = module

    def forward(self, features: Sequence[Tensor], present: Mapping[str, Tensor]) -> Tensor:  # noqa: ARG002 - as `Fusion`
        outputs = self.module(*(features[place] for place in self.order))
        return outputs[:, None] if isinstance(outputs, Tensor) and outputs.ndim == 1 else outputs


def _order(module: nn.Module, names: Sequence[str]) -> list[int]:
    """For each parameter of its forward, which input it is: by name where all are named so, else by place."""
    takes = getattr(module, "takes", None) or _parameters(module.forward)
    if takes is None:  # *inputs: whatever there is
        return list(range(len(names)))
    needed = [one for one, is_needed in takes if is_needed]
    if len(needed) > len(names) or len(takes) < len(names):
        listed = ", ".join(names)
        raise UsageError(
            f"the network takes {len(needed)} input{'s' * (len(needed) != 1)} ({', '.join(needed)}), and the data have "
            f"{len(names)}: {listed}; choose some with --input, or give a network that takes as many"
        )
    known = [one for one, _ in takes]
    if len(names) > 1 and set(names) <= set(known):
        order = [names.index(one) for one in known if one in names]
        if known[: len(names)] == [names[place] for place in order]:
            return order
    return list(range(len(names)))


def _parameters(forward: Callable[..., Any]) -> list[tuple[str, bool]] | None:
    """(name, whether it must be given) of each parameter by place; None where it takes any number."""
    parameters = inspect.signature(forward).parameters.values()
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return None
    by_place = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return [(one.name, one.default is one.empty) for one in by_place]


class Pixels(nn.Module):
    """Pictures as a network that was made elsewhere expects them: uint8 [batch, height, width, channels] → maps."""

    mean: Tensor
    std: Tensor

    def __init__(self, preprocess: str, channels: int) -> None:
        super().__init__()
        mean, std, scale = (0.0,), (1.0,), 1.0 if preprocess == "raw" else 255.0
        if preprocess == "imagenet":
            mean, std = (0.485, 0.456, 0.406)[:channels], (0.229, 0.224, 0.225)[:channels]  # type: ignore[assignment]
        self.register_buffer("mean", torch.tensor(mean) * scale, persistent=False)
        self.register_buffer("std", torch.tensor(std) * scale, persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        return ((pixels.float() - self.mean) / self.std).permute(0, 3, 1, 2)


class Cells(nn.Module):
    """A table's cells as the numbers they are, NaN where one is missing."""

    def forward(self, cells: Tensor) -> Tensor:
        return cells.float()
