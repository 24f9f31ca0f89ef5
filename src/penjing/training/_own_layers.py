"""What may be changed in a person's own network without its code: its activation modules, and its first weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from penjing.core.errors import UsageError, did_you_mean
from penjing.models import own
from penjing.models._activations import KINDS, MODULES
from penjing.training._assemble import initialise


@torch.no_grad()
def exchange_activations(network: nn.Module, values: Sequence[Tensor], name: str) -> None:
    """Put the activation of that name in the place of each activation module that is called before the last layer.

    What stands behind the last layer stays, for it makes the answer; what calls functions (`x.relu()`) is code.

    Args:
        network: changed in place.
        values: what it is called with once, without learning, to see in which order its modules are called.

    Raises:
        UsageError: there is no such activation, or no module to exchange.
    """
    if name not in MODULES:
        raise UsageError(f'there is no activation "{name}"; {did_you_mean(name, MODULES)}')
    between = _between_layers(network, values)
    if not between:
        raise UsageError(
            "your network has no activation module between its layers that could be exchanged (such as nn.ReLU; of "
            "x.relu() in its forward nothing is known); change it in its code"
        )
    for path, module in list(network.named_modules(remove_duplicate=False)):
        if module in between:
            parent, _, place = path.rpartition(".")
            setattr(network.get_submodule(parent), place, MODULES[name]().train(module.training))


def _between_layers(network: nn.Module, values: Sequence[Tensor]) -> set[nn.Module]:
    """The activation modules that are called before the last layer with weights of its own."""
    called: list[nn.Module] = []
    hooks = [
        part.register_forward_hook(lambda module, *_: called.append(module))
        for part in network.modules()
        if isinstance(part, KINDS) or next(part.parameters(recurse=False), None) is not None
    ]
    was_training = network.training
    try:
        network.eval()(values, {})
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    layers = [place for place, module in enumerate(called) if not isinstance(module, KINDS)]
    behind = set(called[max(layers, default=-1) :])
    return {module for module in called if isinstance(module, KINDS) and module not in behind}


def draw_anew(module: nn.Module, begins: str, seed: int) -> None:
    """Let every layer draw its first weights itself, each from the stream of its own name.

    Args:
        module: changed in place.
        begins: see `models.own.Settings`.
        seed: of the recipe.

    Raises:
        UsageError: there is no such beginning, or no layer that draws weights.
    """
    if begins not in own.BEGINS:
        raise UsageError(f'begins = "{begins}" is none of {", ".join(own.BEGINS)}')
    before = own.hash_of(module.state_dict())
    initialise(module, seed)
    if own.hash_of(module.state_dict()) == before:
        raise UsageError(
            "no layer of your network draws its weights itself (by reset_parameters); draw them in its code"
        )
