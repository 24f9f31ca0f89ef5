"""Thumbnails of small pictures are looked up instead of resampled, and are the same."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from PIL import Image

from penjing.modalities import image


@pytest.mark.parametrize("side", [8, 20, 28, 31])
def test_a_thumbnail_of_a_small_grey_picture_is_what_pillow_makes_of_it(side: int) -> None:
    pixels = np.random.default_rng(side).integers(0, 256, (side, side, 1), dtype=np.uint8)
    expected = np.array(Image.fromarray(pixels[:, :, 0]).resize((32, 32), Image.Resampling.BOX))
    assert (image.thumbnail(pixels) == expected).all()


def test_pillow_stays_silent_around_many_pictures_and_speaks_again_afterwards() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with image.while_decoding(), image.while_decoding():
            warnings.warn_explicit("a warning of Pillow's", UserWarning, "Image.py", 1, module="PIL.Image")
        with pytest.raises(UserWarning, match="of Pillow's"):
            warnings.warn_explicit("a warning of Pillow's", UserWarning, "Image.py", 1, module="PIL.Image")
