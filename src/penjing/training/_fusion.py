"""Several inputs become one feature vector, also when one of them is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from penjing.core.recipe import Fusion as Settings

MOST_PAIRS = 15  # of six inputs; with more, only the first ones are multiplied


class Fusion(nn.Module):
    """Each input's features on one scale, side by side with their products pair by pair, then mixed once.

    Products let one input say what to look for in another: which of two moving digits is meant, for example.

    An input that an item lacks is replaced by a vector that is learned. So that there is something to learn it from,
    training now and then hides an input that is there (never all of an item's inputs): source: N. Neverova et al.
    (2016), "ModDrop: adaptive multi-modal gesture recognition".

    Args:
        widths: input → length of its features.
        settings: of the recipe.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, widths: Mapping[str, int], settings: Settings) -> None:
        super().__init__()
        self.names = tuple(widths)
        self.modality_dropout = settings.modality_dropout
        self.features = settings.width
        self.scale = nn.ModuleDict({name: _Scale(width, settings.width) for name, width in widths.items()})
        self.pairs = list(combinations(range(len(widths)), 2))[:MOST_PAIRS]
        self.mix = nn.Linear((len(widths) + len(self.pairs)) * settings.width, settings.width)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(
        self, features: Sequence[Float[Tensor, "batch _"]], present: Mapping[str, Bool[Tensor, " batch"]]
    ) -> Float[Tensor, "batch features"]:
        seen = [present.get(name) for name in self.names]
        if self.training and self.modality_dropout:
            seen = _hidden(seen, len(features[0]), self.modality_dropout, features[0].device)
        scaled = [
            self.scale[name](one, is_there) for name, one, is_there in zip(self.names, features, seen, strict=True)
        ]
        products = [scaled[one] * scaled[other] for one, other in self.pairs]
        side_by_side = self.dropout(torch.cat([*scaled, *products], dim=1))
        mixed: Tensor = self.dropout(torch.nn.functional.gelu(self.mix(side_by_side)))
        return mixed


class _Scale(nn.Module):
    """One input's features as a vector of the common width, or what stands for it when it is missing."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, width)
        self.norm = nn.LayerNorm(width)
        self.missing = nn.Parameter(torch.zeros(width))

    def forward(self, features: Float[Tensor, "batch inputs"], present: Bool[Tensor, " batch"] | None) -> Tensor:
        scaled: Tensor = torch.nn.functional.gelu(self.norm(self.linear(features)))
        if present is None:
            return scaled
        return torch.where(present[:, None], scaled, self.missing.to(scaled.dtype))


def _hidden(
    present: Sequence[Bool[Tensor, " batch"] | None], items: int, share: float, device: torch.device
) -> list[Bool[Tensor, " batch"] | None]:
    """What is present after hiding one input, drawn at random, of a share of the items that have another one left."""
    there = torch.stack([torch.ones(items, dtype=torch.bool, device=device) if one is None else one for one in present])
    chosen = torch.randint(len(there), (items,), device=device)
    hide = (torch.rand(items, device=device) < share) & (there.sum(dim=0) > 1)
    keep = ~(torch.nn.functional.one_hot(chosen, len(there)).T.bool() & hide)
    return list(there & keep)
