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
        inputs: input → shape and type of one decoded or encoded item: ((height, width, channels), "uint8").
        classes: names, in the order of the outputs.
        answer: outputs → answers, such as the softmax of calibrated logits.
        facts: what the file says of itself beside the classes, as JSON values: modality, decode settings, threshold …
    """

    network: Network
    inputs: Mapping[str, tuple[tuple[int, ...], str]]
    classes: tuple[str, ...]
    answer: nn.Module = field(default_factory=lambda: nn.Softmax(dim=1))
    facts: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Model(Protocol):
    """An exported network, opened again.

    Attributes:
        facts: what the file says of itself; `classes` are always there.
    """

    facts: Mapping[str, Any]

    def probabilities(self, *items: np.ndarray) -> np.ndarray:
        """Float32[items, outputs] of decoded items, one array for each input of the network, in their order."""
        ...


class Whole(nn.Module):
    """From decoded items to answers in one module: front ends, encoders, fusion, head, and what makes answers of
    outputs.

    It calls the network as training does, so the exported graph cannot be another network than the one that was
    measured.
    """

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.network = subject.network
        self.names, self.answer = tuple(subject.inputs), subject.answer

    def forward(self, *items: Tensor) -> Float[Tensor, "batch outputs"]:
        no_rows = torch.zeros(0, dtype=torch.int64)  # a batch names its rows in the table; here there is no table
        answers: Tensor = self.answer(self.network(Batch(dict(zip(self.names, items, strict=True)), {}, no_rows)))
        return answers
