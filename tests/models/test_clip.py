"""The video network sees what is moving where, in which order."""

from __future__ import annotations

import pytest
import torch

from penjing.models import clip


def encoded(frames: torch.Tensor, **settings: int) -> torch.Tensor:
    torch.manual_seed(0)
    network = clip.build(tuple(frames.shape[1:]), clip.Settings(**settings)).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        return network(frames)


def test_the_order_of_frames_matters() -> None:
    frames = torch.randn(3, 6, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    assert not torch.allclose(encoded(frames), encoded(frames.flip(1)), atol=1e-3)


def test_clips_do_not_see_each_other() -> None:
    frames = torch.randn(3, 6, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    other = frames.clone()
    other[1] = 0
    torch.testing.assert_close(encoded(other)[[0, 2]], encoded(frames)[[0, 2]])


@pytest.mark.parametrize(("time", "side"), [(2, 8), (2, 64), (16, 24), (3, 112)])
def test_clips_of_two_frames_and_of_many_pixels_are_taken(time: int, side: int) -> None:
    assert torch.isfinite(encoded(torch.randn(2, time, 3, side, side), width=4)).all()
