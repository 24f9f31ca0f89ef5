"""What is exported: a network with everything around it that turns decoded items into probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from penjing.batch import Batch
from penjing.training._assemble import Network


@dataclass(frozen=True)
class Subject:
    """A trained network, ready to be exported.

    Attributes:
        network: its weights as they were chosen.
        column: its one input column.
        shape: of one decoded item: (height, width, channels).
        classes: names, in the order of the outputs.
        temperature: divides the logits before the softmax.
        facts: what the file says of itself beside the classes, as JSON values: modality, decode settings, threshold …
    """

    network: Network
    column: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    temperature: float = 1.0
    facts: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Model(Protocol):
    """An exported network, opened again.

    Attributes:
        facts: what the file says of itself; `classes` are always there.
    """

    facts: Mapping[str, Any]

    def probabilities(self, items: np.ndarray) -> np.ndarray:
        """Float32[items, classes] of decoded items, uint8 [items, height, width, channels]."""
        ...


class Whole(nn.Module):
    """From decoded items to probabilities in one module: front end, encoder, head, temperature, softmax.

    It calls the network as training does, so the exported graph cannot be another network than the one that was
    measured.
    """

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.network = subject.network
        self.column, self.temperature = subject.column, subject.temperature

    def forward(self, items: Tensor) -> Float[Tensor, "batch classes"]:
        no_rows = torch.zeros(0, dtype=torch.int64)  # a batch names its rows in the table; here there is no table
        return torch.softmax(self.network(Batch({self.column: items}, {}, no_rows)) / self.temperature, dim=1)
