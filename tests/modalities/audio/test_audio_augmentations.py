"""What each change of a sound does to its log-mel map, by formulas written down here."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from penjing.modalities.audio.augmentations import gain, mask, noise, shift, warp


def maps(count: int = 64, bands: int = 10, frames: int = 20, seed: int = 0) -> Tensor:
    values = torch.randn(count, bands, frames, generator=torch.Generator().manual_seed(seed))
    return values[..., None].permute(0, 3, 1, 2)


def draw(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_shift_moves_whole_frames_and_holds_the_edges() -> None:
    given = maps()
    found = shift.apply(given, draw(), shift.Settings(0.2))
    moved = set()
    for before, after in zip(given[:, 0].numpy(), found[:, 0].numpy(), strict=True):
        padded = np.pad(before, ((0, 0), (4, 4)), mode="edge")
        places = [place for place in range(9) if np.array_equal(padded[:, place : place + 20], after)]
        assert len(places) == 1
        moved.add(places[0])
    assert moved == set(range(9))


def test_gain_adds_a_straight_line_over_the_bands() -> None:
    given = maps()
    added = (gain.apply(given, draw(), gain.Settings(0.3, 0.5)) - given)[:, 0].numpy()
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :, :1], added.shape), atol=1e-6)
    np.testing.assert_allclose(np.diff(added[:, :, 0], n=2, axis=1), 0, atol=1e-6)
    assert np.abs(added.mean((1, 2))).max() <= 0.3
    assert 0.4 < np.abs(added[:, -1, 0] - added[:, 0, 0]).max() <= 0.5


def test_noise_drowns_what_is_quiet_and_leaves_what_is_loud() -> None:
    given = torch.tensor([-8.0, 8.0]).view(1, 1, 2, 1).expand(50, 1, 2, 30)
    found = noise.apply(given, draw(), noise.Settings(rate=1.0, lowest=-1.0, highest=1.0, spread=0.0))
    floor = found[:, 0, 0]
    assert floor.min() >= -1
    assert floor.max() <= 1.01
    torch.testing.assert_close(found[:, 0, 1], torch.full((50, 30), 8.0), atol=2e-3, rtol=0)


def test_noise_meets_its_share_of_the_sounds() -> None:
    given = maps(2_000, 4, 4)
    changed = (noise.apply(given, draw(), noise.Settings(rate=0.3)) != given).flatten(1).any(1)
    assert abs(float(changed.float().mean()) - 0.3) < 0.04


def test_mask_silences_whole_bands_and_whole_frames_no_longer_than_asked() -> None:
    given = maps(200) + 100
    silent = (mask.apply(given, draw(), mask.Settings(1, 0.3, 0.25)) == 0)[:, 0]
    bands, frames = silent.all(2), silent.all(1)
    assert torch.equal(silent, bands[:, :, None] | frames[:, None, :])
    assert bands.sum(1).max() == 3
    assert frames.sum(1).max() == 5


def test_warp_moves_a_ridge_by_its_share() -> None:
    ramp = torch.arange(40.0).view(1, 1, 40, 1).expand(100, 1, 40, 8)
    found = warp.apply(ramp, draw(), warp.Settings(pitch=0.1, speed=0.0))[:, 0, :, 0]
    stretch = found[:, 20] / 20
    assert 0.9 <= stretch.min() < 0.92
    assert 1.08 < stretch.max() <= 1.1
    wanted = (torch.arange(40) * stretch[:, None]).clamp(max=39)
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)


def test_warp_keeps_the_middle_of_the_clip_in_its_place() -> None:
    ramp = torch.arange(21.0).view(1, 1, 1, 21).expand(50, 1, 6, 21)
    found = warp.apply(ramp, draw(), warp.Settings(pitch=0.0, speed=0.2))
    torch.testing.assert_close(found[..., 10], torch.full((50, 1, 6), 10.0))
    assert found[:, 0, 0, 12].unique().numel() > 10
