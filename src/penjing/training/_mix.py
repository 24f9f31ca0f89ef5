"""Batches in which each item is mixed with another one, and learns the answers of both.

Mixup lays two items over one another; cutmix puts a piece of one picture into another. The loss of a mixed item is that
with its own target and that with the other's, each by its share, so that every task's loss serves.

Source: H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, mixup: Beyond empirical risk minimization, ICLR 2018; S. Yun et
al., CutMix, ICCV 2019. As there, one share is drawn for a batch, from Beta(α, α).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from penjing.batch import Batch, Mixed
from penjing.core.randomness import stream
from penjing.training._loader import Loader

Loss = Callable[[Tensor, Batch], Tensor]


@dataclass
class Mixing(Loader):
    """A loader whose batches are mixed.

    Attributes:
        mixup: α of the share that items are laid over one another with; 0 does not.
        cutmix: α of the share of a picture that is cut out of another; 0 does not. With both, the draw chooses.
    """

    mixup: float = 0.0
    cutmix: float = 0.0

    def _finished(self, batch: Batch, step: int) -> Batch:
        return mixed(super()._finished(batch, step), self.mixup, self.cutmix, stream(self.seed, "mix", step))


def mixed(batch: Batch, mixup: float, cutmix: float, draw: np.random.Generator) -> Batch:
    """The batch with each item mixed with another of it; as it is where an input cannot be mixed (texts, gaps).

    Args:
        batch: prepared.
        mixup: see `Mixing`.
        cutmix: see `Mixing`.
        draw: decides everything.
    """
    tensors = {name: values for name, values in batch.inputs.items() if isinstance(values, Tensor)}
    can_be_mixed = len(tensors) == len(batch.inputs) and all(one.is_floating_point() for one in tensors.values())
    if len(batch) < 2 or batch.present or not can_be_mixed:
        return batch
    other = torch.from_numpy(draw.permutation(len(batch))).to(batch.item.device, non_blocking=True)
    is_cut = cutmix > 0 and all(one.ndim >= 4 for one in tensors.values()) and (mixup == 0 or draw.random() < 0.5)
    if not is_cut and mixup == 0:
        return batch
    alpha = cutmix if is_cut else mixup
    share = float(draw.beta(alpha, alpha))
    if is_cut:
        box = draw.random(2)
        found = {name: pasted(values, values[other], share, box) for name, values in tensors.items()}
        share = next(iter(found.values()))[1]
        inputs = {name: one[0] for name, one in found.items()}
    else:
        inputs = {name: torch.lerp(values[other], values, share) for name, values in tensors.items()}
    return batch.with_inputs(inputs, batch.prepared).mixed_with(Mixed(other, share))


def pasted(
    values: Shaped[Tensor, "batch ... height width"],
    others: Shaped[Tensor, "batch ... height width"],
    share: float,
    place: np.ndarray,
) -> tuple[Tensor, float]:
    """Pictures with a box of others in them, and the share that is still their own.

    Args:
        values: the pictures.
        others: where the boxes come from.
        share: of the area that is kept, 0 to 1; the box may reach over the edge, so more may be.
        place: of the middle of the box, down and right, 0 to 1.
    """
    height, width = values.shape[-2:]
    half = np.sqrt(1 - share) / 2 * np.array([height, width])
    middle = place * np.array([height, width])
    (top, left), (bottom, right) = (
        np.clip(np.round(middle + sign * half), 0, [height, width]).astype(int).tolist() for sign in (-1, 1)
    )
    found = values.clone()
    found[..., top:bottom, left:right] = others[..., top:bottom, left:right]
    return found, 1 - (bottom - top) * (right - left) / (height * width)


def of_both(loss: Loss) -> Loss:
    """The loss of mixed batches: that with each item's own target and with the other's, by their shares."""

    def both(outputs: Tensor, batch: Batch) -> Tensor:
        if batch.mixed is None:
            return loss(outputs, batch)
        share = batch.mixed.share
        return share * loss(outputs, batch) + (1 - share) * loss(outputs, batch.of_others())

    return both
