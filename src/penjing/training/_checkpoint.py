"""The last complete state of a training, in one file that is whole or not there. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from penjing.core.errors import RunError
from penjing.core.files import write_atomically
from penjing.core.recipe import Recipe
from penjing.training._plan import planned_anew

NAME = "state.safetensors"


def save(folder: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], recipe: Recipe) -> None:
    """Write a checkpoint in place of the last one.

    Args:
        folder: the run's `checkpoint/`.
        tensors: everything that an update changes, and the best weights so far.
        facts: plain JSON values: the step, the replans, the best score.
        recipe: what is carried out; only it may continue from here.

    Raises:
        RunError: the disk is full or cannot be written; the last checkpoint is intact.
    """
    whole = _apart(tensors)
    metadata = {"facts": json.dumps({**facts, "choices": _choices(recipe)})}

    def write(path: Path) -> None:
        try:
            save_file(whole, str(path), metadata)
        except SafetensorError as problem:  # it wraps the operating system's error in text
            raise OSError(28 if "No space" in str(problem) else 5, str(problem)) from problem

    write_atomically(folder / NAME, write)


def load(folder: Path, recipe: Recipe) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """(tensors, facts) of the last checkpoint, or None when there is none.

    Args:
        recipe: what will be continued; its plan of steps may be a new one.

    Raises:
        RunError: the file is damaged, or was made by another recipe.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        with safe_open(str(path), framework="pt") as file:
            facts = json.loads(file.metadata()["facts"])
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as problem:
        raise RunError(f"{path} is damaged ({problem}); start again without --resume") from problem
    # Earlier versions did not write it.
    if facts.get("choices", _choices(recipe)) != _choices(recipe):
        raise RunError(
            f"{path} was made by another recipe than the one to go on with, so the weights would be neither's; "
            "put recipe.toml back as it was, or start a new run"
        )
    return tensors, facts


def _choices(recipe: Recipe) -> str:
    """The id of the recipe apart from its plan of steps, which follows the clock and is kept in the facts."""
    return replace(recipe, training=planned_anew(recipe.training, 0)).id


def save_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Write a network's weights as a safetensors file, atomically."""
    whole = _apart(weights)
    write_atomically(path, lambda temporary: save_file(whole, str(temporary)))


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as a file holds them: each with a memory of its own, which weights that are tied have not."""
    seen: set[int] = set()
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        value = tensor.detach().cpu().contiguous()
        place = value.untyped_storage().data_ptr()
        found[name] = value.clone() if place in seen else value
        seen.add(place)
    return found


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    """The weights in a safetensors file.

    Raises:
        RunError: the file is missing or damaged.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as problem:
        raise RunError(f"{path} cannot be read ({problem}); the run has no usable weights") from problem
