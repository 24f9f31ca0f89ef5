"""What loop, task and network exchange, and nothing else crosses between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Ragged:
    """Items of different lengths in one tensor.

    Attributes:
        values: padded values, the length axis second.
        lengths: how much of each item is real.
    """

    values: Tensor  # [batch, longest, ...]
    lengths: Int[Tensor, " batch"]


@dataclass(frozen=True)
class Mixed:
    """That the items of a batch are each mixed with another of it.

    Attributes:
        other: the place in the batch of each one's other.
        share: how much of an item is its own, 0 to 1.
    """

    other: Int[Tensor, " batch"]
    share: float


@dataclass(frozen=True)
class Batch:
    """Some items, ready for a network.

    Attributes:
        inputs: input column → its values, one item along the first axis.
        targets: target column → its values; empty when nothing is known.
        item: each item's row in the table.
        present: input column → whether each item has a value there; a column left out is present throughout.
        weight: how much each item counts in the loss; None counts all the same.
        prepared: the input columns that have gone through their front ends already.
        mixed: whether, and how, each item is mixed with another; the targets are those of the items themselves.
    """

    inputs: Mapping[str, Tensor | Ragged]
    targets: Mapping[str, Tensor]
    item: Int[Tensor, " batch"]
    present: Mapping[str, Bool[Tensor, " batch"]] = field(default_factory=dict)
    weight: Float[Tensor, " batch"] | None = None
    prepared: frozenset[str] = frozenset()
    mixed: Mixed | None = None

    def __len__(self) -> int:
        return len(self.item)

    def only(self) -> Tensor:
        """The one input of a one-column task."""
        (value,) = self.inputs.values()
        assert isinstance(value, Tensor), "a ragged column has lengths; read batch.inputs"
        return value

    def with_inputs(self, inputs: Mapping[str, Tensor | Ragged], prepared: frozenset[str] = frozenset()) -> Batch:
        """The same items and targets with other inputs; `prepared` names those that a front end has seen already."""
        return replace(self, inputs=inputs, prepared=prepared)

    def mixed_with(self, mixed: Mixed) -> Batch:
        """The same batch, known to be mixed."""
        return replace(self, mixed=mixed)

    def of_others(self) -> Batch:
        """A mixed batch with the targets and weights of the others, as if it were not mixed."""
        assert self.mixed is not None
        other = self.mixed.other
        return replace(
            self,
            targets={name: value[other] for name, value in self.targets.items()},
            item=self.item[other],
            weight=None if self.weight is None else self.weight[other],
            mixed=None,
        )

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        if device.type == "cpu":
            return self

        def moved(value: Tensor | Ragged) -> Tensor | Ragged:
            if isinstance(value, Ragged):
                return Ragged(value.values.to(device), value.lengths.to(device))
            return value.to(device)

        return Batch(
            {name: moved(value) for name, value in self.inputs.items()},
            {name: value.to(device) for name, value in self.targets.items()},
            self.item.to(device),
            {name: value.to(device) for name, value in self.present.items()},
            None if self.weight is None else self.weight.to(device),
            self.prepared,
            None if self.mixed is None else Mixed(self.mixed.other.to(device), self.mixed.share),
        )
