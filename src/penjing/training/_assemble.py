"""Joins the front end and the encoder of every input, their fusion, and the task's head into one network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from penjing.batch import Batch
from penjing.core.randomness import key
from penjing.training._arithmetic import as_it_is


class Network(nn.Module):
    """A batch in, the task's outputs out.

    Its parts are addressed as `front_end.<input>`, `encoder.<input>`, `fusion` and `head`. An input that the batch
    calls prepared has been through its front end already.

    Args:
        front_end: input → module from raw cached values to an encoder's input.
        encoder: input → module from that to Float[batch, features].
        head: Float[batch, features] → outputs.
        fusion: joins the features of several inputs; None lays them side by side.
        wide: input → module from its words to outputs, which are added where the network answers, not where it learns.
        mirrored: the inputs that are pictures whose mirror image is looked at as well: the answer is then the mean
            of both outputs. Training sees one.
    """

    def __init__(
        self,
        front_end: Mapping[str, nn.Module],
        encoder: Mapping[str, nn.Module],
        head: nn.Module,
        fusion: nn.Module | None = None,
        wide: Mapping[str, nn.Module] | None = None,
        mirrored: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.mirrored = mirrored
        self.columns = part_names(encoder)
        self.front_end = nn.ModuleDict({self.columns[column]: module for column, module in front_end.items()})
        self.encoder = nn.ModuleDict({self.columns[column]: module for column, module in encoder.items()})
        self.fusion = fusion
        self.wide = nn.ModuleDict({self.columns[column]: module for column, module in (wide or {}).items()})
        self.head = head

    def prepare(self, column: str, values: Tensor) -> Tensor:
        """One input's raw values as its encoder takes them: in float32 whatever the network computes in, as those are
        that training makes beforehand."""
        with as_it_is(values.device):
            found: Tensor = self.front_end[self.columns[column]](values)
        return found

    def features(self, batch: Batch, flipped: tuple[str, ...] = ()) -> Float[Tensor, "batch features"]:
        """What the encoders see, before the head; the `flipped` inputs with left and right exchanged."""
        found = []
        for column, part in self.columns.items():
            values = batch.inputs[column]
            assert isinstance(values, Tensor)
            if column not in batch.prepared:
                values = self.prepare(column, values)
            found.append(self.encoder[part](values.flip(3) if column in flipped else values))
        if self.fusion is not None:
            present = {self.columns[column]: there for column, there in batch.present.items()}
            joined: Tensor = self.fusion(found, present)
            return joined
        return found[0] if len(found) == 1 else torch.cat(found, dim=1)

    def answer(self, batch: Batch) -> tuple[Float[Tensor, "batch features"], Float[Tensor, "batch outputs"]]:
        """The features of the batch as it is, and the outputs (of both views, where there are two)."""
        features = self.features(batch)
        outputs = self.head(features)
        if not self.training and self.mirrored:
            outputs = (outputs + self.head(self.features(batch, self.mirrored))) / 2
        return features, outputs if self.training else self._widened(outputs, batch)

    def _widened(self, outputs: Float[Tensor, "batch outputs"], batch: Batch) -> Float[Tensor, "batch outputs"]:
        """The outputs with those of the wide parts added."""
        for column, part in self.columns.items():
            if part in self.wide:
                words = self.front_end[part].words(batch.inputs[column])  # type: ignore[operator]
                outputs = outputs + self.wide[part](words)
        return outputs

    def forward(self, batch: Batch) -> Float[Tensor, "batch outputs"]:
        return self.answer(batch)[1]


def part_names(columns: Iterable[str]) -> dict[str, str]:
    """Each input's name as a module may have it: without dots, not one that torch has taken, and no other's."""
    found: dict[str, str] = {}
    for column in columns:
        name = column.replace(".", "_") or "_"
        while hasattr(nn.ModuleDict, name) or name in found.values():
            name += "_"
        found[column] = name
    return found


def initialise(network: nn.Module, seed: int) -> None:
    """Draw every layer's weights anew from the stream of its own name.

    So two networks with one seed share the weights of every layer they have in common, wherever it stands. Layers
    keep their own distribution: each is asked to `reset_parameters`.
    """
    with torch.random.fork_rng(devices=[]):
        for name, module in network.named_modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                torch.default_generator.manual_seed(key(seed, f"init:{name}"))  # see `_step.seed_draws`
                reset()


def count_parameters(network: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
