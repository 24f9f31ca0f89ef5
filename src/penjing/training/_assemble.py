"""Joins a column's front end, its encoder and the task's head into one network."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from penjing.batch import Batch
from penjing.core.randomness import key


class Network(nn.Module):
    """A batch in, the task's outputs out.

    Its parts are addressed as `front_end.<column>`, `encoder.<column>` and `head`. A column that still holds raw
    uint8 values goes through its front end; one that the loader has prepared already (floating point) does not.

    Args:
        front_end: column → module from raw cached values to an encoder's input.
        encoder: column → module from that input to Float[batch, features].
        head: Float[batch, features of all columns, side by side] → outputs.
        views: 1, or 2 to answer with the mean of a picture's outputs and its mirror image's. Training sees one.
    """

    def __init__(
        self,
        front_end: Mapping[str, nn.Module],
        encoder: Mapping[str, nn.Module],
        head: nn.Module,
        views: int = 1,
    ) -> None:
        super().__init__()
        self.views = views
        # A module's name may not hold a dot; a column's may.
        self.columns = {column: column.replace(".", "_") for column in encoder}
        self.front_end = nn.ModuleDict({self.columns[column]: module for column, module in front_end.items()})
        self.encoder = nn.ModuleDict({self.columns[column]: module for column, module in encoder.items()})
        self.head = head

    def prepare(self, column: str, values: Tensor) -> Tensor:
        """One column's raw values as its encoder takes them."""
        return self.front_end[self.columns[column]](values)

    def features(self, batch: Batch) -> Float[Tensor, "batch features"]:
        """What the encoders see, before the head."""
        found = []
        for column, part in self.columns.items():
            values = batch.inputs[column]
            assert isinstance(values, Tensor)
            if not values.is_floating_point():
                values = self.prepare(column, values)
            found.append(self.encoder[part](values))
        return found[0] if len(found) == 1 else torch.cat(found, dim=1)

    def answer(self, batch: Batch) -> tuple[Float[Tensor, "batch features"], Float[Tensor, "batch outputs"]]:
        """The features of the batch as it is, and the outputs (of both views, where there are two)."""
        features = self.features(batch)
        outputs = self.head(features)
        if not self.training and self.views == 2:
            outputs = (outputs + self.head(self.features(_mirrored(batch)))) / 2
        return features, outputs

    def forward(self, batch: Batch) -> Float[Tensor, "batch outputs"]:
        return self.answer(batch)[1]


def _mirrored(batch: Batch) -> Batch:
    """The same pictures, left and right exchanged; the width is the last axis once they are prepared."""
    inputs = {
        column: values.flip(3 if values.is_floating_point() else 2)
        for column, values in batch.inputs.items()
        if isinstance(values, Tensor)
    }
    return batch.with_inputs(inputs)


def initialise(network: nn.Module, seed: int) -> None:
    """Draw every layer's weights anew from the stream of its own name.

    So two networks with one seed share the weights of every layer they have in common, wherever it stands. Layers
    keep their own distribution: each is asked to `reset_parameters`.
    """
    with torch.random.fork_rng(devices=[]):
        for name, module in network.named_modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                torch.manual_seed(key(seed, f"init:{name}"))
                reset()


def count_parameters(network: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
