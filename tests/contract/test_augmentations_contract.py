"""What every augmentation promises: a draw for each item from the generator it is given, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from penjing.core import plugins

NAMES = plugins.names("augmentations")
# what is augmented is what a modality's front end gives: maps of several channels for pictures, of one for sounds
CHANNELS = {"image": (1, 3), "audio": (1,)}
# the settings that change nothing
NEUTRAL: dict[str, dict[str, Any]] = {
    "flip": {"rate": 0.0},
    "crop": {"shift": 0.0},
    "rotate": {"degrees": 0.0, "zoom": 0.0},
    "zoom": {"smallest": 1.0, "stretch": 1.0},
    "erase": {"rate": 0.0},
    "colour": {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0},
    "trivial": {"rate": 0.0},
    "shift": {"longest": 0.0},
    "gain": {"level": 0.0, "tilt": 0.0},
    "noise": {"rate": 0.0},
    "mask": {"bands": 0.0, "time": 0.0},
    "warp": {"pitch": 0.0, "speed": 0.0},
}


def modality_of(name: str) -> str:
    return plugins.find("augmentations", name).file.parents[1].name


# Those of other kinds of values (tokens, frames) have tests of their own.
MAPS = [name for name in NAMES if modality_of(name) in CHANNELS]
PAIRS = [(name, channels) for name in MAPS for channels in CHANNELS[modality_of(name)]]


def pictures(count: int = 16, side: int = 12, channels: int = 3) -> Tensor:
    """The same picture (or map of a sound) many times over, as a front end lays it out in memory."""
    picture = torch.randn(1, side, side, channels, generator=torch.Generator().manual_seed(0))
    return picture.repeat(count, 1, 1, 1).permute(0, 3, 1, 2)


def applied(name: str, images: Tensor, seed: int = 0, **settings: Any) -> Tensor:
    module = plugins.load("augmentations", name)
    found = module.apply(images, torch.Generator().manual_seed(seed), module.Settings(**settings))
    assert isinstance(found, Tensor)
    return found


def test_all_augmentations_are_found() -> None:
    assert set(MAPS) == set(NEUTRAL)
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize(("name", "channels"), PAIRS)
def test_shape_type_and_layout_are_kept(name: str, channels: int) -> None:
    images = pictures(channels=channels)
    found = applied(name, images)
    assert (found.shape, found.dtype) == (images.shape, images.dtype)
    assert found.stride() == images.stride()
    assert torch.isfinite(found).all()


@pytest.mark.parametrize("name", MAPS)
def test_oblong_and_single_pictures_work(name: str) -> None:
    images = torch.randn(1, 9, 14, max(CHANNELS[modality_of(name)])).permute(0, 3, 1, 2)
    assert applied(name, images).shape == images.shape


@pytest.mark.parametrize("name", MAPS)
def test_the_generator_decides_alone(name: str) -> None:
    images = pictures(channels=max(CHANNELS[modality_of(name)]))
    torch.manual_seed(1)
    first = applied(name, images, seed=5)
    torch.manual_seed(2)
    assert torch.equal(applied(name, images, seed=5), first)
    assert not torch.equal(applied(name, images, seed=6), first)


@pytest.mark.parametrize("name", MAPS)
def test_items_get_draws_of_their_own(name: str) -> None:
    found = applied(name, pictures(channels=max(CHANNELS[modality_of(name)])))
    assert len({tuple(item.flatten().tolist()) for item in found}) > 1


@pytest.mark.parametrize("name", MAPS)
def test_what_is_given_is_not_changed(name: str) -> None:
    images = pictures(channels=max(CHANNELS[modality_of(name)]))
    before = images.clone()
    applied(name, images)
    assert torch.equal(images, before)


@pytest.mark.parametrize(("name", "channels"), PAIRS)
def test_neutral_settings_change_nothing(name: str, channels: int) -> None:
    images = pictures(channels=channels)
    torch.testing.assert_close(applied(name, images, **NEUTRAL[name]), images, atol=1e-6, rtol=0)


def elsewhere(name: str) -> Tensor:
    """Items that an augmentation takes, on the device "meta"."""
    like = {"text": torch.ones(4, 12, dtype=torch.int64), "video": torch.zeros(4, 5, 3, 16, 16)}
    return like.get(modality_of(name), pictures(4, channels=CHANNELS.get(modality_of(name), (3,))[-1])).to("meta")


@pytest.mark.parametrize("name", NAMES)
def test_it_works_where_its_items_are(name: str) -> None:
    """Draws come from the processor; one that does not cross over meets tensors of another device, and torch stops."""
    assert applied(name, elsewhere(name)).device.type == "meta"


@pytest.mark.parametrize("name", NAMES)
def test_nobody_waits_for_its_draws_to_cross_over(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU would have to finish all that it was told before, and batches were made ahead for nothing."""
    items, crossed, to = elsewhere(name), list[bool](), Tensor.to
    give, take = Tensor.__getitem__, Tensor.__setitem__

    def noted(self: Tensor, *where: Any, **how: Any) -> Tensor:
        found = to(self, *where, **how)
        if found.device != self.device:
            crossed.append(how.get("non_blocking", False))
        return found

    def checked(use: Callable[..., Any]) -> Callable[..., Any]:
        def indexed(self: Tensor, index: Any, *values: Any) -> Any:
            several = index if isinstance(index, tuple) else (index,)
            crossed.extend(False for one in several if isinstance(one, Tensor) and one.device != self.device)
            return use(self, index, *values)

        return indexed

    monkeypatch.setattr(Tensor, "to", noted)
    monkeypatch.setattr(Tensor, "__getitem__", checked(give))
    monkeypatch.setattr(Tensor, "__setitem__", checked(take))
    applied(name, items)
    assert crossed
    assert all(crossed)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_in_a_sentence_when_it_may_change_the_label(name: str) -> None:
    sentence = plugins.load("augmentations", name).KEEPS_LABEL
    assert sentence == "" or (sentence[0].isupper() and sentence.endswith("."))
