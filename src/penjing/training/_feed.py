"""What a training reads: the loader of a recipe, with every input's front end and augmentations in their places."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from penjing.core import plugins
from penjing.core.process import usable_cores
from penjing.core.recipe import Choice, Recipe
from penjing.training._assemble import Network
from penjing.training._augment import Moves, Transform, augmented, moves_pixels
from penjing.training._held import on_device
from penjing.training._loader import Loader, Prepared, chunks
from penjing.training._mix import Mixing
from penjing.training._problem import Problem

PICTURE = "image"
LENGTHS_AT_ONCE = 8192  # texts
MOST_KEPT_BYTES = 100 * 10**6  # of an input, after its front end
KEPT_TOGETHER = 1024  # rows that go through it together


def loader_of(recipe: Recipe, problem: Problem, network: Network) -> Loader:
    """The batches that a network is trained on: each input through its front end, augmented, and mixed, as the recipe
    says."""
    augment: dict[str, list[Choice]] = {}
    for choice in recipe.augment:
        augment.setdefault(_augmented_modality(choice, problem), []).append(choice)
    prepare: dict[str, Transform] = {}
    by_item: dict[str, Callable[[Tensor], Tensor]] = {}
    early: dict[str, Moves] = {}
    shorten: dict[str, Callable[[Tensor, int], Tensor]] = {}
    lengths = _lengths(problem, network)
    kept: dict[str, Prepared] = {}
    device = next(network.parameters()).device  # with its number: another thread may take another GPU for its own
    for column, modality in problem.modality.items():
        front = copy.deepcopy(network.front_end[network.columns[column]]).to(device)
        padded: Any = getattr(front, "for_training", None)
        before: Callable[[Tensor], Tensor] = padded or front
        if column in problem.items.prepared:
            before = _as_it_is
        elif _is_kept(front, problem, column, device):
            kept[column], before = _kept(front, problem, column), _as_it_is
        elif getattr(front, "is_by_item", False):
            by_item[column], before = front, _as_it_is
        elif padded is not None and lengths is not None:
            shorten[column], before = padded, _as_it_is
        # Inputs of one modality, and an augmentation that is listed twice, have draws of their own.
        first = next(one for one, kind in problem.modality.items() if kind == modality)
        named = told_apart(augment.get(modality, ()), "" if column == first else f"{column}/")
        count = _moving(recipe, modality, named) if column in by_item else 0
        if count:
            early[column] = Moves(named[:count], recipe.seed)
        if before is not _as_it_is or named[count:]:
            prepare[column] = augmented(before, named[count:], recipe.seed)
    is_ahead = device.type != "cpu" or recipe.machine.threads < usable_cores()
    training = recipe.training
    mixes = {"mixup": training.mixup, "cutmix": training.cutmix} if training.mixup or training.cutmix else {}
    known = problem.items.prepared.union(kept)
    items = replace(problem.items, inputs={**problem.items.inputs, **kept}, prepared=known)
    return (Mixing if mixes else Loader)(
        on_device(items, device, np.union1d(problem.train, problem.valid), problem.held),
        problem.train,
        training.batch_size,
        recipe.seed,
        prepare,
        device,
        lengths,
        is_ahead,
        by_item=by_item,
        early=early,
        shorten=shorten,
        **mixes,
    )


def _is_kept(front: nn.Module, problem: Problem, column: str, device: torch.device) -> bool:
    """Whether what an input's front end gives is kept in memory while a network learns: it is worth it, and small."""
    if not getattr(front, "is_kept", False) or device.type != "cpu":
        return False
    return len(problem.truth) * math.prod(problem.shape[column]) * np.float32().nbytes <= MOST_KEPT_BYTES


def _kept(front: nn.Module, problem: Problem, column: str) -> Prepared:
    """What an input's front end gives, made once for all trainings of the problem."""
    values, known = problem.items.inputs[column], problem.kept.get(column)
    if known is None or known.values is not values:  # problems that differ in their items share what is kept
        known = problem.kept[column] = Prepared(values, front, len(problem.truth), KEPT_TOGETHER)
    return known


def _moving(recipe: Recipe, modality: str, named: Sequence[tuple[str, Choice]]) -> int:
    """How many of the first augmentations of pictures move pixels and change none, so that they may come before the
    front end, which treats all places alike but those of a border that it hides."""
    if modality != PICTURE or recipe.training.border:
        return 0
    return len(list(takewhile(lambda one: moves_pixels(one[1]), named)))


def _lengths(problem: Problem, network: Network) -> np.ndarray | None:
    """How long each training row's item is, where the only input is of a kind that is padded; else None."""
    fronts = list(network.front_end.values())
    count = getattr(fronts[0], "lengths", None) if len(fronts) == 1 else None
    if count is None or not len(problem.train):
        return None
    (values,) = problem.items.inputs.values()
    counted = [count(torch.from_numpy(values.take(chunk))) for chunk in chunks(problem.train, LENGTHS_AT_ONCE)]
    return torch.cat(counted).numpy()


def _as_it_is(values: Tensor) -> Tensor:
    return values


def _augmented_modality(choice: Choice, problem: Problem) -> str:
    """The modality that an augmentation changes: its folder tells, or, in a person's own file, `MODALITY` does."""
    folders = plugins.find("augmentations", choice.name).module.split(".")
    if folders[:2] == ["penjing", "modalities"]:
        return folders[2]
    return str(getattr(plugins.load("augmentations", choice.name), "MODALITY", next(iter(problem.modality.values()))))


def told_apart(choices: Sequence[Choice], before: str) -> list[tuple[str, Choice]]:
    """Augmentations under names that differ: `before` each, and behind the second of a name its number."""
    counted = Counter[str]()
    found = []
    for choice in choices:
        counted[choice.name] += 1
        number = "" if counted[choice.name] == 1 else f"#{counted[choice.name]}"
        found.append((f"{before}{choice.name}{number}", choice))
    return found
