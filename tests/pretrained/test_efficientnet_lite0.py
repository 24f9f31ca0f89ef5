"""EfficientNet-Lite0: pictures of any canvas, and ImageNet's classes come out where they should."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from penjing.core.errors import DataError
from penjing.pretrained import _efficientnet, efficientnet_lite0

pytestmark = pytest.mark.skipif(not efficientnet_lite0.is_available(), reason=efficientnet_lite0.INSTALL)


@pytest.fixture(scope="module")
def embed():
    return efficientnet_lite0.load(efficientnet_lite0.Settings(side=64))


def a_picture(height, width):
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return (np.stack([rows, columns, rows * columns], axis=-1) * 255).astype(np.uint8)[None]


@pytest.mark.parametrize("canvas", [(1, 1), (8, 8), (28, 28), (64, 64), (65, 130), (300, 40)])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_takes_any_canvas_grey_or_colour(embed, canvas, channels):
    found = embed(a_picture(*canvas)[..., :channels])
    assert found.shape == (1, 1280)
    assert np.isfinite(found).all()


def test_a_grey_picture_is_the_colour_picture_of_the_same_greys(embed):
    grey = a_picture(50, 50)[..., :1]
    np.testing.assert_allclose(embed(grey), embed(np.repeat(grey, 3, axis=3)), atol=1e-5)


def test_a_larger_canvas_of_the_same_picture_gives_nearly_the_same_vector(embed):
    small, large, other = embed(a_picture(64, 64)), embed(a_picture(256, 256)), embed(255 - a_picture(64, 64))
    assert np.linalg.norm(small - large) < 0.2 * np.linalg.norm(small - other)


@pytest.mark.parametrize("values", [np.zeros((2, 8, 8), np.uint8), np.zeros((2, 8, 8, 3), np.float32)])
def test_what_is_not_pictures_is_refused_with_a_sentence(embed, values):
    with pytest.raises(DataError, match=r"expected uint8 \[n, height, width, 1 or 3\]"):
        embed(values)


@pytest.mark.parametrize(
    ("size", "kernel", "stride"), [(8, 3, 1), (8, 3, 2), (9, 3, 2), (8, 5, 2), (7, 5, 2), (1, 5, 2)]
)
def test_padding_is_tensorflows(size, kernel, stride):
    part = _efficientnet.Convolution(1, 1, kernel, stride)
    nn.init.ones_(part.inner.weight)
    nn.init.zeros_(part.inner.bias)
    found = part(torch.ones(1, 1, size, size))[0, 0]
    # by hand: TensorFlow's "same" gives ceil(size / stride) outputs and puts the odd pixel of padding at the end
    count = -(-size // stride)
    before = max(0, (count - 1) * stride + kernel - size) // 2
    seen = [sum(0 <= row * stride - before + k < size for k in range(kernel)) for row in range(count)]
    np.testing.assert_array_equal(found.detach().numpy(), np.outer(seen, seen))


def test_folded_batch_norms_answer_like_torchs():
    part, norm = _efficientnet.Convolution(4, 6, 3), nn.BatchNorm2d(6, eps=_efficientnet.EPSILON).eval()
    convolution = nn.Conv2d(4, 6, 3, padding=1, bias=False)
    torch.manual_seed(0)
    for values in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        nn.init.uniform_(values, 0.5, 2)
    weights = {"c.weight": convolution.weight.data, **{f"n.{name}": value for name, value in norm.state_dict().items()}}
    _efficientnet._fold(part, weights, "c", "n")
    maps = torch.randn(2, 4, 7, 7)
    torch.testing.assert_close(part(maps), norm(convolution(maps)))
