"""The EfficientNet-Lite network as TensorFlow trained it, its batch norms folded into the convolutions."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

# Of TensorFlow's batch norm, and how its Lite models take pixels: centred on 127, divided by 128.
EPSILON = 1e-3
CENTRE, SCALE = 127.0, 128.0
# (repeats, kernel, stride, expansion, outputs) of each stage of Lite0: M. Tan, Q. Le 2019, and the Lite variants 2020.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, FEATURES = 32, 1280


class Convolution(nn.Module):
    """A convolution with TensorFlow's "same" padding: a stride pads one more pixel at the end than at the beginning."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.inner = nn.Conv2d(inputs, outputs, kernel, stride, 0, groups=groups)

    def forward(self, maps: Float[Tensor, "batch inputs height width"]) -> Tensor:
        kernel, stride = self.inner.kernel_size[0], self.inner.stride[0]
        spare = [max(0, (-(-size // stride) - 1) * stride + kernel - size) for size in maps.shape[2:]]
        if len(set(spare)) == 1 and spare[0] % 2 == 0:  # the convolution pads faster than a copy of the maps
            return F.conv2d(maps, self.inner.weight, self.inner.bias, stride, spare[0] // 2, groups=self.inner.groups)
        rows, columns = spare
        edges = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
        return self.inner(F.pad(maps, edges))


class Block(nn.Module):
    """An inverted residual: widen, filter each channel alone, narrow; added to its input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.widen = Convolution(inputs, wide, 1) if expansion > 1 else None
        self.filter = Convolution(wide, wide, kernel, stride, groups=wide)
        self.narrow = Convolution(wide, outputs, 1)
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, maps: Float[Tensor, "batch inputs height width"]) -> Tensor:
        wide = maps if self.widen is None else F.relu6(self.widen(maps), inplace=True)
        narrow = self.narrow(F.relu6(self.filter(wide), inplace=True))
        return narrow + maps if self.is_residual else narrow


class Lite0(nn.Module):
    """Pictures to the features before the classes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Convolution(3, STEM, 3, 2)
        blocks, inputs = [], STEM
        for repeats, kernel, stride, expansion, outputs in STAGES:
            for repeat in range(repeats):
                blocks.append(Block(inputs, outputs, kernel, stride if repeat == 0 else 1, expansion))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = Convolution(inputs, FEATURES, 1)

    def forward(self, pixels: Float[Tensor, "batch 3 side side"]) -> Float[Tensor, "batch features"]:
        maps = F.relu6(self.stem((pixels - CENTRE) / SCALE))
        return F.relu6(self.head(self.blocks(maps))).mean((2, 3))


def from_weights(weights: Mapping[str, Tensor]) -> Lite0:
    """The network with weights that are named as in `efficientnet_pytorch`, for prediction only.

    Raises:
        KeyError: a weight is missing.
    """
    network = Lite0()
    _fold(network.stem, weights, "_conv_stem", "_bn0")
    for number, block in enumerate(network.blocks):
        names = [("filter", "_depthwise_conv", "_bn1"), ("narrow", "_project_conv", "_bn2")]
        if block.widen is not None:
            names.append(("widen", "_expand_conv", "_bn0"))
        for part, convolution, norm in names:
            before = f"_blocks.{number}."
            _fold(getattr(block, part), weights, before + convolution, before + norm)
    _fold(network.head, weights, "_conv_head", "_bn1")
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)


def _fold(part: Convolution, weights: Mapping[str, Tensor], convolution: str, norm: str) -> None:
    """Give a convolution its weights and the batch norm that followed it."""
    factor = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + EPSILON).sqrt()
    part.inner.weight.data = weights[f"{convolution}.weight"] * factor[:, None, None, None]
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * factor
    assert part.inner.bias is not None
    part.inner.bias.data = bias


def resized(pictures: UInt8[Tensor, "batch height width channels"], side: int) -> Float[Tensor, "batch 3 side side"]:
    """Pictures of any canvas as colour on a square one, 0 to 255, each pixel the average of what it covers."""
    maps = pictures.permute(0, 3, 1, 2).float()
    if maps.shape[2:] != (side, side):
        maps = F.interpolate(maps, (side, side), mode="bilinear", antialias=True, align_corners=False)
    return maps.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
