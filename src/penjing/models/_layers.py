"""Layers that several networks share."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from penjing.models._activations import activation

PADDING = 0
LARGEST_DROPOUT = 0.999  # share that sixteen bits still tell from all
# The last maps of a convolutional network are about this many pixels a side: small enough to be cheap, large enough
# to tell places apart.
LAST_SIDE = 4
# Memory traffic on large maps costs more than arithmetic: larger pictures are read several pixels at a time.
LARGEST_SIDE = 32
# The hash of runs: odd multipliers, one for each further token, small enough that no sum overflows.
_MULTIPLIERS = (1_000_003, 7_368_787, 2_654_435)


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation that can also learn from one item.

    The mean of a single item is that item: normalised by it, a small map is all zeros, and PyTorch stops with an
    error where the map is one pixel. So a batch of one is normalised by the running statistics, as when predicting.

    Source: Ioffe and Szegedy, Batch Normalization, 2015.
    """

    def forward(self, input: Float[Tensor, "batch channels height width"]) -> Tensor:
        if self.training and len(input) == 1:
            return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(input)


class Dropout(nn.Dropout):
    """Dropout whose mask is drawn sixteen bits a unit.

    PyTorch draws a number of 64 bits for each on a processor, one after the other: a quarter of an update of a small
    network of tables. The share is met to 1 in 65,536.

    Source: N. Srivastava et al., Dropout, JMLR 2014.
    """

    def forward(self, input: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        if not self.training or not 0 < self.p < LARGEST_DROPOUT or input.device.type != "cpu":
            return super().forward(input)
        bits = torch.empty(-(-input.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        drawn = bits.view(torch.int16)[: input.numel()].view(input.shape)
        is_kept = drawn >= round(self.p * 2**16) - 2**15
        return input * is_kept.to(input.dtype).mul_(1 / (1 - self.p))


def rounded(width: float, multiple: int = 8) -> int:
    """The nearest multiple, at least one of them: kernels are fastest where channels fill whole vectors."""
    return max(multiple, math.floor(width / multiple + 0.5) * multiple)


class Stage(nn.Module):
    """Half as many pixels a side and more channels; then the same maps, refined once.

    Pooling comes before everything that can wait: it leaves a quarter of the numbers.
    """

    def __init__(self, inputs: int, outputs: int, patch: int = 1, function: str = "relu") -> None:
        super().__init__()
        self.activation = activation(function)
        kernel, padding = window_of(patch)
        self.widen = nn.Conv2d(inputs, outputs, kernel, patch, padding, bias=False)
        self.widen_norm = BatchNorm(outputs)
        self.refine = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.refine_norm = BatchNorm(outputs)

    def forward(self, maps: Float[Tensor, "batch inputs height width"]) -> Tensor:
        maps = self.activation(self.widen_norm(F.max_pool2d(self.widen(maps), 2)))
        return maps + self.activation(self.refine_norm(self.refine(maps)))


def patch_of(side: int) -> int:
    """The least power of two that brings a side to at most `LARGEST_SIDE` pixels."""
    return 2 ** max(0, math.ceil(math.log2(side / LARGEST_SIDE)))


def window_of(patch: int) -> tuple[int, int]:
    """(kernel, padding) of a convolution that moves a patch at a time: it sees half of each neighbouring patch too."""
    return (2 * patch, patch // 2) if patch > 1 else (3, 1)


def reading(side: int, patch: int, stages: int, fewest: int = 1) -> tuple[int, int]:
    """(patch, stages) of a network for maps of that side; what is 0 is chosen from the side."""
    patch = patch or patch_of(side)
    return patch, stages or halvings(side / patch, fewest)


def halvings(side: float, fewest: int = 1) -> int:
    """How many halvings bring a side to about `LAST_SIDE` pixels: `fewest` or more, where there is enough to halve."""
    return max(1, min(int(math.log2(side)), max(fewest, round(math.log2(side / LAST_SIDE)))))


def halving_stages(inputs: int, width: int, patch: int, count: int, function: str = "relu") -> nn.Sequential:
    """`count` stages from maps of `inputs` channels on: `width` channels after the first, twice as many after each;
    `function` is the name of their activation."""
    widths = [width * 2**stage for stage in range(count)]
    further = (Stage(before, after, function=function) for before, after in pairwise(widths))
    return nn.Sequential(Stage(inputs, width, patch, function), *further)


class Words(nn.Embedding):
    """Vectors of tokens that start small, token 0 being padding and staying at zero.

    Small, because a token that training hardly shows keeps the vector it was given, and a large one would be noise.
    """

    SPREAD = 0.02

    def __init__(self, count: int, width: int) -> None:
        super().__init__(count, width, padding_idx=0)

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight, std=self.SPREAD)
        self._fill_padding_idx_with_zero()


def run_keys(tokens: Int64[Tensor, "batch length"], longest: int) -> list[Int64[Tensor, "batch length"]]:
    """For each length from 2 to `longest`: a number that the run which begins at each token has, and hardly another.

    Where padding would be part of a run it is `PADDING` itself.
    """
    found, sums = [], tokens
    for further in range(1, longest):
        following = F.pad(tokens[:, further:], (0, min(further, tokens.shape[1])))
        sums = sums + following * _MULTIPLIERS[further - 1]
        found.append(torch.where(following != PADDING, sums, PADDING))
    return found


def hashed_runs(
    tokens: Int64[Tensor, "batch length"], longest: int, buckets: int
) -> list[Int64[Tensor, "batch length"]]:
    """For each length from 2 to `longest`: the bucket, from 1, of the run that begins at each token.

    Where padding would be part of a run it is `PADDING` itself.
    """
    return [torch.where(keys != PADDING, keys % (buckets - 1) + 1, PADDING) for keys in run_keys(tokens, longest)]
