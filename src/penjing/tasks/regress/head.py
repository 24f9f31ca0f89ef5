"""The torch half of regression: the last layer, which answers in the target's own units, and the losses."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from penjing.batch import Batch
from penjing.tasks.regress import Settings
from penjing.tasks.regress.transform import choose_transform

NUMBERS = ("mean", "std", "offset", "bend")  # of a scale


class Scale(nn.Module):
    """Between numbers in their own units and standardised ones, of mean 0 and standard deviation 1 in training.

    With a logarithm, the way back is exp up to `bend` and from there on the line that touches it, so that no
    answer explodes and every one has a gradient.

    Args:
        transform: "none" or "log".
        learned: what `regress.learn` gave.
    """

    def __init__(self, transform: str, learned: Mapping[str, Any]) -> None:
        super().__init__()
        self.is_log = transform == "log"
        known = learned["log"] if self.is_log else learned
        self.mean: Tensor
        self.std: Tensor
        self.offset: Tensor
        self.bend: Tensor
        for name in NUMBERS:
            self.register_buffer(name, torch.tensor(float(known.get(name, 0.0))))

    def forward(self, standardised: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """The numbers in their own units."""
        values = standardised * self.std + self.mean
        if not self.is_log:
            return values
        return values.clamp_max(self.bend).exp() * (1 + (values - self.bend).relu()) - self.offset

    def inverse(self, values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """The standardised numbers that `forward` makes these of."""
        if self.is_log:
            top = self.bend.exp()
            above_zero = (values + self.offset).clamp_min(torch.finfo(torch.float32).tiny)
            values = above_zero.clamp_max(top).log() + (above_zero / top - 1).relu()
        return (values - self.mean) / self.std


class Head(nn.Module):
    """The last layer: numbers in the target's own units from an item's features.

    Args:
        features: length of a feature vector.
        outputs: how many numbers; one.
        learned: what `regress.learn` gave.
        settings: decides on the scale; None takes the defaults.
    """

    def __init__(
        self, features: int, outputs: int, learned: Mapping[str, Any], settings: Settings | None = None
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(features, outputs)
        self.scale = Scale(choose_transform((settings or Settings()).target_transform, learned), learned)

    def forward(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "batch outputs"]:
        numbers: Tensor = self.scale(self.linear(features).float())
        return numbers


class Answer(nn.Module):
    """Outputs → answers, as `regress.answer` gives them, for what is exported: they are the same."""

    def __init__(self, calibrated: Mapping[str, Any]) -> None:  # noqa: ARG002 - every task is asked so
        super().__init__()

    def forward(self, outputs: Float[Tensor, "batch outputs"]) -> Float[Tensor, "batch outputs"]:
        return outputs


def loss(
    outputs: Float[Tensor, "batch outputs"], batch: Batch, settings: Settings, learned: Mapping[str, Any]
) -> Float[Tensor, ""]:
    """The mean loss of a batch on the scale that is learned on, in which an item counts its own weight.

    Args:
        outputs: numbers in the target's own units.
        batch: its one target holds Float[batch].
        learned: what `regress.learn` gave.
    """
    (target,) = batch.targets.values()
    each = item_losses(outputs, target, settings, learned)
    if batch.weight is None:
        return each.mean()
    # A batch may hold nothing but weight 0; it then teaches nothing instead of dividing by zero.
    return (each * batch.weight).sum() / batch.weight.sum().clamp_min(torch.finfo(torch.float32).tiny)


def item_losses(
    outputs: Float[Tensor, "batch 1"], target: Float[Tensor, " batch"], settings: Settings, learned: Mapping[str, Any]
) -> Float[Tensor, " batch"]:
    """Each item's loss on the scale that is learned on, in float32 whatever the network computes in."""
    scale = _scale_of(choose_transform(settings.target_transform, learned), learned, outputs.device)
    predicted, truth = scale.inverse(outputs.float()[:, 0]), scale.inverse(target.float())
    if settings.loss == "huber":
        return huber(predicted, truth, settings.delta)
    if settings.loss == "absolute":
        return (predicted - truth).abs()
    return half_squared_error(predicted, truth)


def _scale_of(transform: str, learned: Mapping[str, Any], device: torch.device) -> Scale:
    """The scale that is learned on, made once: every update asks for it."""
    known = learned["log"] if transform == "log" else learned
    return _made(transform, tuple(float(known.get(name, 0.0)) for name in NUMBERS), device)


@lru_cache(maxsize=16)
def _made(transform: str, numbers: tuple[float, ...], device: torch.device) -> Scale:
    known = dict(zip(NUMBERS, numbers, strict=True))
    return Scale(transform, {**known, "log": known}).to(device)


def disagreement(
    outputs: Float[Tensor, "batch 1"], teacher: Float[Tensor, "batch 1"], settings: Settings, learned: Mapping[str, Any]
) -> Float[Tensor, ""]:
    """How far answers are from a teacher's: the loss with the teacher's numbers as the truth; 0 where they agree."""
    return item_losses(outputs, teacher[:, 0], settings, learned).mean()


def half_squared_error(predicted: Float[Tensor, " batch"], truth: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    """½ (ŷ − y)²; its mean over m items is the published J = 1/(2m) Σ (ŷ − y)², the ½ included.

    On standardised numbers J is the J in the target's own units divided by the target's variance: the same minimum.

    Example:
        >>> half_squared_error(torch.tensor([3.0]), torch.tensor([1.0]))
        tensor([2.])
    """
    return 0.5 * (predicted - truth).square()


def huber(predicted: Float[Tensor, " batch"], truth: Float[Tensor, " batch"], delta: float) -> Float[Tensor, " batch"]:
    """½ e² for an error e = ŷ − y up to delta, from there on delta (|e| − ½ delta): far-off items pull no harder.

    Source: P. J. Huber (1964), "Robust estimation of a location parameter".

    Example:
        >>> huber(torch.tensor([3.0]), torch.tensor([0.0]), 1.0)
        tensor([2.5000])
    """
    error = (predicted - truth).abs()
    return torch.where(error <= delta, 0.5 * error.square(), delta * (error - 0.5 * delta))
