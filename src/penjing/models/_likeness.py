"""Whether two modules are of the same layers with the same settings, whatever their weights are.

What a module computes follows from its weights and from the attributes of its layers: the shapes alone do not tell how
many heads there are, what pools, or how much is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import FunctionType, MethodType
from typing import Any
from weakref import ref

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import type_before_parametrizations
from torch.utils.hooks import RemovableHandle

# What torch keeps of every module: weights and layers, which are looked at by themselves, and the mode it is in.
_KEPT_APART = {"_parameters", "_buffers", "_modules", "training"}

# Pairs that were looked at, by their ids; they are kept, so that no later object gets the id of one.
Seen = dict[tuple[int, int], tuple[object, object]]


def are_alike(one: nn.Module, other: nn.Module) -> bool:
    """Whether two modules answer alike, as far as can be told, once they have the same weights.

    Layers, shapes, which weights learn, what is kept beside the weights, and every attribute are compared; of an
    attribute that cannot be compared it is not known, so that the answer is no.
    """
    return _same_tree(one, other, {})


def _same_tree(one: nn.Module, other: nn.Module, seen: Seen) -> bool:
    layers, others = dict(one.named_modules()), dict(other.named_modules())
    if list(layers) != list(others) or list(one.state_dict()) != list(other.state_dict()):
        return False
    # An attribute may be one of the layers or weights, such as the list of its weights that a recurrent layer keeps.
    pairs = [*zip(layers.values(), others.values(), strict=True), *_paired(one.named_parameters(), other)]
    seen.update({(id(mine), id(yours)): (mine, yours) for mine, yours in pairs})
    return all(_same_layer(layer, others[name], seen) for name, layer in layers.items())


def _paired(weights: Iterable[tuple[str, Tensor]], other: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
    """Each weight with the other module's of the same name, if it has one."""
    theirs = dict(other.named_parameters())
    return ((weight, theirs[name]) for name, weight in weights if name in theirs)


def _same_layer(one: nn.Module, other: nn.Module, seen: Seen) -> bool:
    if type_before_parametrizations(one) is not type_before_parametrizations(other) or not _same_weights(one, other):
        return False
    return _same(_attributes(one), _attributes(other), seen)


def _attributes(layer: nn.Module) -> dict[str, Any]:
    """All attributes but weights and layers; the key of a hook is a number that no other has."""
    kept = {name: value for name, value in vars(layer).items() if name not in _KEPT_APART}
    return {
        name: list(value.values()) if "hooks" in name and isinstance(value, Mapping) else value
        for name, value in kept.items()
    }


def _same_weights(one: nn.Module, other: nn.Module) -> bool:
    """Whether weights have the same form, and what no file of weights holds has the same values."""
    weights, others = one._parameters, other._parameters
    if [(name, _form(value)) for name, value in weights.items()] != [(k, _form(v)) for k, v in others.items()]:
        return False
    buffers, left = one._buffers, other._buffers
    if list(buffers) != list(left):
        return False
    passing = one._non_persistent_buffers_set
    pairs = ((name, buffers[name], left[name]) for name in buffers)
    return all(_same(a, b, {}) if name in passing else _form(a) == _form(b) for name, a, b in pairs)


def _form(value: Tensor | None) -> Any:
    """Shape, type and whether it learns; the shape of what waits for a first input is not known."""
    if value is None:
        return None
    return None if is_lazy(value) else tuple(value.shape), value.dtype, value.requires_grad


def _same(one: Any, other: Any, seen: Seen) -> bool:
    """Whether two attributes say the same."""
    if one is other or (id(one), id(other)) in seen:
        return True
    if type(one) is not type(other):
        return False
    seen[id(one), id(other)] = one, other  # what holds itself is looked at once
    if isinstance(one, RemovableHandle):  # of a hook, which is compared itself
        return True
    if isinstance(one, nn.Module):  # of no name, so no file of weights holds what is in it
        return _same_tree(one, other, seen) and _same(dict(one.state_dict()), dict(other.state_dict()), {})
    if isinstance(one, ref):
        return _same(one(), other(), seen)
    if isinstance(one, Tensor):
        return _form(one) == _form(other) and (is_lazy(one) or torch.equal(one.detach().cpu(), other.detach().cpu()))
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    if isinstance(one, FunctionType | MethodType | partial):
        return _same(_parts_of(one), _parts_of(other), seen)
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(_same(one[name], other[name], seen) for name in one)
    if isinstance(one, Sequence) and not isinstance(one, str | bytes):
        return len(one) == len(other) and all(_same(a, b, seen) for a, b in zip(one, other, strict=True))
    return _same_plain(one, other, seen)


def _parts_of(function: Any) -> tuple[Any, ...]:
    """What a function does and what it holds: two that one line made are two objects."""
    if isinstance(function, MethodType):
        return (function.__func__, function.__self__)
    if isinstance(function, partial):
        return (function.func, function.args, function.keywords)
    cells = tuple(cell.cell_contents for cell in function.__closure__ or ())
    return (function.__code__, function.__defaults__, function.__kwdefaults__, cells)


def _same_plain(one: Any, other: Any, seen: Seen) -> bool:
    """Whether two values are equal, or two objects of a class that knows no equality hold the same."""
    try:
        if bool(one == other) or (one != one and other != other):  # NaN is NaN
            return True
    except Exception:  # a class may compare as it likes
        return False
    has_parts = type(one).__eq__ is object.__eq__ and hasattr(one, "__dict__")
    return has_parts and bool(vars(one)) and _same(vars(one), vars(other), seen)
