"""What is done to a batch before it is learned from: the front end, then augmentation with draws of each step's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor

from penjing.core import plugins
from penjing.core.randomness import key
from penjing.core.recipe import Choice

Transform = Callable[[Tensor, int], Tensor]
Named = Sequence[tuple[str, Choice]]  # the name that an augmentation's draws go by, and the augmentation


def augmented(front_end: Callable[[Tensor], Tensor], named: Named, seed: int) -> Transform:
    """An input's preparation for training: its front end, then each augmentation with a stream of its own name."""
    steps = [(name, *_loaded(choice)) for name, choice in named]

    def prepare(values: Tensor, step: int) -> Shaped[Tensor, "batch ..."]:
        values = front_end(values)
        for name, module, settings in steps:
            values = module.apply(values, _draws(seed, name, step), settings)
        return values

    return prepare


class Moves:
    """Augmentations that only move pixels, of pictures as they lie in the cache: bytes, channels last.

    Several batches go through them together, each with the draws of its own step, to the values that each alone would
    give.

    Args:
        named: those that have `MOVES_PIXELS`.
        seed: the recipe's.
    """

    def __init__(self, named: Named, seed: int) -> None:
        self._steps, self._seed = [(name, *_loaded(choice)) for name, choice in named], seed

    def __call__(
        self, pixels: Shaped[Tensor, "items height width channels"], steps: range
    ) -> Shaped[Tensor, "items height width channels"]:
        """The batches of some steps, one after the other in one tensor, moved."""
        maps = pixels.permute(0, 3, 1, 2)
        shape = (len(pixels) // len(steps), *maps.shape[1:])
        for name, module, settings in self._steps:
            draws = [module.drawn(shape, _draws(self._seed, name, step), settings) for step in steps]
            maps = module.moved(maps, tuple(map(torch.cat, zip(*draws, strict=True))), settings)
        return maps.permute(0, 2, 3, 1)


def moves_pixels(choice: Choice) -> bool:
    """Whether an augmentation moves pixels, changes none, and can do so with several batches at once."""
    module = plugins.load("augmentations", choice.name)
    return bool(getattr(module, "MOVES_PIXELS", False)) and hasattr(module, "drawn") and hasattr(module, "moved")


def _loaded(choice: Choice) -> tuple[Any, Any]:
    """An augmentation's module and its settings."""
    module = plugins.load("augmentations", choice.name)
    return module, module.Settings(**choice.settings)


def _draws(seed: int, name: str, step: int) -> torch.Generator:
    return torch.Generator().manual_seed(key(seed, f"augment:{name}", step))
