"""What is to be learned, and what a network says of its items."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from penjing.models import own
from penjing.training._arithmetic import products
from penjing.training._assemble import Network
from penjing.training._held import Shelves
from penjing.training._loader import Fetches, Items, Prepared, chunks
from penjing.training._step import number_format

EVALUATION_BATCH = 512


@dataclass(frozen=True)
class Problem:
    """What is to be learned, decoded and encoded; it holds no test item.

    Attributes:
        items: inputs and targets by row.
        modality: input → the plug-in that says what it is.
        learned: input → preprocessing learned on the training part.
        shape: input → its shape at the encoder, as `models.build` takes it.
        target: the target column.
        classes: names, in the order of the outputs.
        train: rows trained on.
        valid: rows that choose; may be empty.
        learned_target: what the task learned of the target on the training part.
        own: a person's own network, where the recipe means one and they gave the object.
        named: gives what the names of the classes mean, Float[classes, features], to the encoder of the only input;
            None where it cannot read them.
        wide: what the wide parts learned, kept for the next network of the same problem.
        groups: Int[rows], rows of one number belong together; None where each row is its own.
        kept: input → what its front end gave, kept for the next training of the same problem.
        held: what lies on a device, for the next training of the same problem.
    """

    items: Items
    modality: Mapping[str, str]
    learned: Mapping[str, Mapping[str, Any]]
    shape: Mapping[str, tuple[int, ...]]
    target: str
    classes: tuple[str, ...]
    train: np.ndarray
    valid: np.ndarray
    learned_target: Mapping[str, Any] = field(default_factory=dict)
    own: own.Own | None = None
    named: Callable[[], np.ndarray] | None = None
    wide: dict[Any, dict[str, Tensor]] = field(default_factory=dict, compare=False, repr=False)
    groups: np.ndarray | None = None
    kept: dict[str, Prepared] = field(default_factory=dict, compare=False, repr=False)
    held: Shelves = field(default_factory=dict, compare=False, repr=False)

    @property
    def truth(self) -> np.ndarray:
        """The encoded target of every row, as the task encodes it."""
        return self.items.targets[self.target]


def torch_half(plugin: ModuleType, name: str) -> ModuleType:
    """The half of a plug-in folder that needs torch, `name`.py in it; a plug-in of one file holds both halves."""
    return importlib.import_module(f"{plugin.__name__}.{name}") if hasattr(plugin, "__path__") else plugin


@torch.no_grad()
def outputs(network: Network, items: Fetches, rows: np.ndarray, format_name: str = "float32") -> np.ndarray:
    """What the network says of some rows: float32 [rows, outputs]. In evaluation mode, augmentation off."""
    network.eval()
    device = next(network.parameters()).device
    found = []
    for chunk in chunks(rows, EVALUATION_BATCH):
        batch = items.batch(chunk).to(device)  # first: a pretrained encoder that makes the items has its own arithmetic
        with number_format(format_name, device.type), products(format_name):
            found.append(network(batch).float().cpu())
    width = found[0].shape[1] if found else 0
    return torch.cat(found).numpy() if found else np.zeros((0, width), np.float32)


@torch.no_grad()
def features(network: Network, items: Items, rows: np.ndarray) -> Float[np.ndarray, "rows features"]:
    """What the encoders make of some rows, before the head: float32."""
    network.eval()
    device = next(network.parameters()).device
    with products("float32"):
        found = [
            network.features(items.batch(chunk).to(device)).float().cpu() for chunk in chunks(rows, EVALUATION_BATCH)
        ]
    return torch.cat(found).numpy()
