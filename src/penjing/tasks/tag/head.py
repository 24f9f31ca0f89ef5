"""The torch half of several labels an item: one logit a label, and its loss."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from penjing.batch import Batch
from penjing.tasks.tag import Settings, weigh_labels


class Head(nn.Module):
    """The last layer: one logit a label from an item's features.

    Args:
        features: length of a feature vector.
        outputs: number of labels.
        learned: what `tag.learn` gave; nothing of it is needed here, nor of the settings.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        learned: Mapping[str, Any] | None = None,  # noqa: ARG002
        settings: Settings | None = None,  # noqa: ARG002
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(features, outputs)

    def forward(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "batch labels"]:
        logits: Tensor = self.linear(features)
        return logits


class Answer(nn.Module):
    """Outputs → the probability of each label, as `tag.answer` gives it, for what is exported.

    Args:
        calibrated: what `tag.calibrate` gave.
    """

    def __init__(self, calibrated: Mapping[str, Any]) -> None:
        super().__init__()
        self.temperature = float(calibrated.get("temperature", 1.0))

    def forward(self, outputs: Float[Tensor, "batch labels"]) -> Float[Tensor, "batch labels"]:
        return torch.sigmoid(outputs / self.temperature)


def loss(
    logits: Float[Tensor, "batch labels"], batch: Batch, settings: Settings, learned: Mapping[str, Any]
) -> Float[Tensor, ""]:
    """The mean loss of a batch, in which an item counts its own weight.

    Args:
        batch: its one target holds Int[batch, labels].
        learned: what `tag.learn` gave: how many training items have each label, for balanced weights.
    """
    (target,) = batch.targets.values()
    weight = _label_weight(learned["items"], tuple(learned["counts"]), settings.label_weights, logits.device)
    each = item_losses(logits, target, weight)
    if batch.weight is None:
        return each.mean()
    # A batch may hold nothing but weight 0; it then teaches nothing instead of dividing by zero.
    return (each * batch.weight).sum() / batch.weight.sum().clamp_min(torch.finfo(torch.float32).tiny)


@lru_cache(maxsize=16)
def _label_weight(items: int, counts: tuple[int, ...], how: str, device: torch.device) -> Float[Tensor, " labels"]:
    """`weigh_labels` on a device, moved there once: every update asks for it, and would wait for the device."""
    return torch.from_numpy(weigh_labels({"items": items, "counts": counts}, how)).to(device)


def item_losses(
    logits: Float[Tensor, "batch labels"], target: Int[Tensor, "batch labels"], weight: Float[Tensor, " labels"]
) -> Float[Tensor, " batch"]:
    """The mean over labels of −w y log p − (1 − y) log(1 − p), p = σ of a logit; in float32 whatever came in."""
    each = functional.binary_cross_entropy_with_logits(
        logits.float(), target.float(), pos_weight=weight.to(logits.device), reduction="none"
    )
    return each.mean(dim=1)


def disagreement(
    logits: Float[Tensor, "batch labels"],
    teacher: Float[Tensor, "batch labels"],
    settings: Settings,  # noqa: ARG001 - every task is asked so
    learned: Mapping[str, Any],  # noqa: ARG001
) -> Float[Tensor, ""]:
    """How far answers are from a teacher's: the loss with the teacher's probabilities as the truth, less the teacher's
    own; 0 where they agree."""
    truth = teacher.sigmoid()

    def against(one: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(one, truth)

    return against(logits) - against(teacher)
