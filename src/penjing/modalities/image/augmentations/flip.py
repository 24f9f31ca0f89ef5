"""Mirrors pictures, left becoming right."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Num
from torch import Tensor

KEEPS_LABEL = "A mirrored letter, digit or hand is another one: only where left and right mean nothing."

MOVES_PIXELS = True  # and changes none


@dataclass(frozen=True)
class Settings:
    """How often.

    Attributes:
        rate: share of the pictures that are mirrored, 0 to 1.
        upright: whether pictures have an up and a down; where they have none, as under a microscope, as many are
            also turned upside down.
    """

    rate: float = 0.5
    upright: bool = True


def drawn(
    shape: tuple[int, ...], generator: torch.Generator, settings: Settings
) -> tuple[Bool[Tensor, "batch 1 1 1"], ...]:
    """Which pictures of a batch [batch, channels, height, width] are mirrored, axis by axis."""
    return tuple(torch.rand(shape[0], 1, 1, 1, generator=generator) < settings.rate for _ in _axes(settings))


def apply(
    images: Num[Tensor, "batch channels height width"], generator: torch.Generator, settings: Settings
) -> Num[Tensor, "batch channels height width"]:
    """The pictures, some of them mirrored."""
    return moved(images, drawn(tuple(images.shape), generator, settings), settings)


def moved(
    images: Num[Tensor, "batch channels height width"],
    chosen: tuple[Bool[Tensor, "batch 1 1 1"], ...],
    settings: Settings,
) -> Num[Tensor, "batch channels height width"]:
    """The pictures, those mirrored that were drawn."""
    for axis, mirrored in zip(_axes(settings), chosen, strict=True):
        images = torch.where(mirrored.to(images.device, non_blocking=True), images.flip(axis), images)
    return images


def _axes(settings: Settings) -> tuple[int, ...]:
    return (3,) if settings.upright else (3, 2)
