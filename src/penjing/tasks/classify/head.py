"""The torch half of classification: the last layer and the losses, each as the formula it is named after."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from penjing.batch import Batch
from penjing.tasks.classify import Settings, weigh_classes


class Head(nn.Module):
    """The last layer: one logit a class from an item's features.

    Args:
        features: length of a feature vector.
        classes: number of classes.
        learned: what `classify.learn` gave; nothing of it, or of the settings, is needed here.
    """

    def __init__(
        self,
        features: int,
        classes: int,
        learned: Mapping[str, Any] | None = None,  # noqa: ARG002
        settings: Settings | None = None,  # noqa: ARG002
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(features, classes)

    def forward(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "batch classes"]:
        logits: Tensor = self.linear(features)
        return logits


class Answer(nn.Module):
    """Logits as probabilities, as `classify.answer` gives them; part of an exported graph.

    Args:
        calibrated: may hold the `temperature` that divides the logits.
    """

    def __init__(self, calibrated: Mapping[str, Any]) -> None:
        super().__init__()
        self.temperature = float(calibrated.get("temperature", 1.0))

    def forward(self, logits: Float[Tensor, "batch classes"]) -> Float[Tensor, "batch classes"]:
        return torch.softmax(logits / self.temperature, dim=1)


def loss(
    logits: Float[Tensor, "batch classes"], batch: Batch, settings: Settings, learned: Mapping[str, Any]
) -> Float[Tensor, ""]:
    """The mean loss of a batch, in which an item counts its own weight times its class's.

    Args:
        batch: its one target holds Int[batch] class indices.
        learned: what `classify.learn` gave: training items of each class, for balanced class weights.
    """
    (target,) = batch.targets.values()
    each = item_losses(logits, target, settings)
    if batch.weight is None and settings.class_weights == "none":
        return each.mean()
    class_weight = _class_weight(tuple(learned["counts"]), settings.class_weights, each.device)
    weight = class_weight[target] if batch.weight is None else class_weight[target] * batch.weight
    # A batch may hold nothing but weight 0; it then teaches nothing instead of dividing by zero.
    return (each * weight).sum() / weight.sum().clamp_min(torch.finfo(torch.float32).tiny)


@lru_cache(maxsize=16)
def _class_weight(counts: tuple[int, ...], how: str, device: torch.device) -> Float[Tensor, " classes"]:
    """`weigh_classes` on a device, moved there once: every update asks for it, and would wait for the device."""
    return torch.from_numpy(weigh_classes(counts, how)).to(device)


def item_losses(
    logits: Float[Tensor, "batch classes"], target: Int[Tensor, " batch"], settings: Settings
) -> Float[Tensor, " batch"]:
    """Each item's loss, in float32 whatever the network computes in."""
    if settings.loss == "cross_entropy":  # the same at once
        smoothing = settings.label_smoothing
        return functional.cross_entropy(logits.float(), target.long(), label_smoothing=smoothing, reduction="none")
    return against(logits.float(), smooth_labels(target, logits.shape[1], settings.label_smoothing), settings)


def disagreement(
    logits: Float[Tensor, "batch classes"],
    teacher: Float[Tensor, "batch classes"],
    settings: Settings,
    learned: Mapping[str, Any],  # noqa: ARG001 - every task is asked so
) -> Float[Tensor, ""]:
    """How far answers are from a teacher's: the loss with the teacher's probabilities as the truth, less the teacher's
    own; 0 where they agree. With cross-entropy it is the Kullback-Leibler divergence."""
    by_one = settings.loss == "binary_cross_entropy" and logits.shape[1] > 2
    truth = teacher.sigmoid() if by_one else teacher.softmax(dim=1)
    return (against(logits, truth, settings) - against(teacher, truth, settings)).mean()


def against(
    logits: Float[Tensor, "batch classes"], truth: Float[Tensor, "batch classes"], settings: Settings
) -> Float[Tensor, " batch"]:
    """Each item's loss with probabilities as the truth."""
    if settings.loss == "binary_cross_entropy":
        return binary_cross_entropy(logits, truth)
    if settings.loss == "mean_squared_error":
        return half_squared_error(logits.softmax(dim=1), truth)
    return cross_entropy(logits, truth)


def smooth_labels(target: Int[Tensor, " batch"], classes: int, smoothing: float) -> Float[Tensor, "batch classes"]:
    """The truth as probabilities: 1 − s + s/classes for the true class, s/classes for each other.

    Source: C. Szegedy et al. (2016), "Rethinking the Inception architecture for computer vision".
    """
    hot = functional.one_hot(target.long(), classes).float()
    return hot * (1 - smoothing) + smoothing / classes


def cross_entropy(
    logits: Float[Tensor, "batch classes"], truth: Float[Tensor, "batch classes"]
) -> Float[Tensor, " batch"]:
    """−Σ y log p over the classes, with p = softmax(logits)."""
    return -(truth * logits.log_softmax(dim=1)).sum(dim=1)


def binary_cross_entropy(
    logits: Float[Tensor, "batch classes"], truth: Float[Tensor, "batch classes"]
) -> Float[Tensor, " batch"]:
    """−y log p − (1 − y) log(1 − p), with p = σ of a logit.

    Two classes are one question, put to the difference of the two logits, so p is the probability that softmax gives.
    More classes are one question each, and their losses are added; softmax then reads probabilities from logits
    that were learned one by one, which the temperature mends.
    """
    if logits.shape[1] == 2:
        difference = logits[:, 1] - logits[:, 0]
        return functional.binary_cross_entropy_with_logits(difference, truth[:, 1], reduction="none")
    return functional.binary_cross_entropy_with_logits(logits, truth, reduction="none").sum(dim=1)


def half_squared_error(
    predicted: Float[Tensor, "batch values"], truth: Float[Tensor, "batch values"]
) -> Float[Tensor, " batch"]:
    """½ Σ (predicted − truth)²; its mean over m items is the published J = 1/(2m) Σ (ŷ − y)², the ½ included.

    The ½ is there so that the gradient is (ŷ − y) without a 2 before it; it halves every value that is shown.

    Example:
        >>> half_squared_error(torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0, 1.0]]))
        tensor([2.5000])
    """
    return 0.5 * (predicted - truth).square().sum(dim=1)
