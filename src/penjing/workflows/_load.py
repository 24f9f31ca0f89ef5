"""From a run folder back to a network that answers as it did when it was validated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from penjing.core import plugins
from penjing.core.errors import RunError
from penjing.core.recipe import Recipe
from penjing.core.run import Run
from penjing.exports._subject import Subject
from penjing.tasks._doubt import Unlike
from penjing.training import _checkpoint
from penjing.training._assemble import Network
from penjing.training._loader import Items
from penjing.training.engine import EVALUATION_BATCH, Problem, assemble

# What answering needs of a run's JSON files.
_NEEDED = {
    "prepare.json": ("column", "modality", "decode", "learned", "shape", "target", "classes"),
    "results.json": ("temperature", "threshold", "unsure_below"),
}
_NO_ROWS = np.arange(0)


@dataclass(frozen=True)
class Answers:
    """What a run says of some items, in their order.

    Attributes:
        probability: Float32[items, classes], after the temperature.
        taken: Int[items], the class each item is taken for.
        unsure: Bool[items], whether the highest probability is under the bound that validation set.
        unlike: Bool[items], whether the item is far from the training data; all False where the run cannot tell.
    """

    probability: np.ndarray
    taken: np.ndarray
    unsure: np.ndarray
    unlike: np.ndarray


@dataclass(frozen=True)
class Loaded:
    """A run, ready to answer.

    Attributes:
        run: the folder.
        recipe: as it was carried out.
        network: with the run's weights, in evaluation mode.
        column: the input column.
        modality: its plug-in, which decodes.
        decode: the settings it decodes with.
        takes_every_page: whether each page of a TIFF is an item of its own.
        learned: preprocessing learned on the training part, as the front end takes it.
        shape: (channels, height, width) at the encoder.
        classes: names, in the order of the outputs.
        temperature: divides the logits.
        threshold: where two classes are told apart, or None for the most probable class.
        unsure_below: an answer with a lower highest probability is unsure.
        unlike: tells what is far from the training data, or None.
    """

    run: Run
    recipe: Recipe
    network: Network
    column: str
    modality: Any
    decode: Any
    takes_every_page: bool
    learned: Mapping[str, Any]
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    temperature: float
    threshold: Any
    unsure_below: float
    unlike: Unlike | None

    def answer(self, items: np.ndarray) -> Answers:
        """What the run says of decoded items, uint8 [items, height, width, channels]."""
        task = plugins.load("tasks", self.recipe.task.name)
        features, outputs = self._outputs(items)
        probability = task.softmax(outputs, self.temperature)
        unsure = probability.max(axis=1) < self.unsure_below
        unlike = np.zeros(len(items), dtype=bool) if self.unlike is None else self.unlike.is_unlike(features)
        return Answers(probability, task.predict(probability, self.threshold), unsure, unlike)

    @torch.no_grad()
    def _outputs(self, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Float32[items, features] and Float32[items, classes], from one pass through the network."""
        device = next(self.network.parameters()).device
        features, outputs = [], []
        for start in range(0, len(items), EVALUATION_BATCH):
            chunk = items[start : start + EVALUATION_BATCH]
            batch = Items({self.column: _Values(chunk)}).batch(np.arange(len(chunk))).to(device)
            seen, said = self.network.answer(batch)
            features.append(seen.float().cpu())
            outputs.append(said.float().cpu())
        return torch.cat(features).numpy(), torch.cat(outputs).numpy()

    @property
    def subject(self) -> Subject:
        """What an export needs to know."""
        channels, height, width = self.shape
        facts = {
            "modality": self.modality.__name__.rpartition(".")[2],
            "decode": vars(self.decode),
            "threshold": None if self.threshold is None else self.threshold.to_dict(),
            "unsure_below": self.unsure_below,
        }
        return Subject(self.network, self.column, (height, width, channels), self.classes, self.temperature, facts)


class _Values:
    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def take(self, index: np.ndarray) -> np.ndarray:
        return self.values[index]


def load(run: Run, device: str = "cpu") -> Loaded:
    """The network of a run with everything it needs to answer.

    Raises:
        RunError: the run has no weights or no results yet, a file is damaged, or the weights do not fit the recipe.
    """
    if not run.has_weights or not run.results:
        raise RunError(
            f"{run.path} has no trained network yet; its status is {run.status}. "
            f"Finish it with: penjing fit --resume {run.path}"
        )
    prepare, results = run.prepare, run.results
    for name, found in (("prepare.json", prepare), ("results.json", results)):
        _check_complete(run.path / name, found)
    recipe = replace(run.recipe, machine=replace(run.recipe.machine, device=device))
    modality, task = plugins.load("modalities", prepare["modality"]), plugins.load("tasks", recipe.task.name)
    threshold = results["threshold"]
    try:
        return Loaded(
            run=run,
            recipe=recipe,
            network=_with_weights(_network(recipe, prepare), run),
            column=prepare["column"],
            modality=modality,
            decode=modality.Settings(**prepare["decode"]),
            takes_every_page=run.info.get("wish", {}).get("data", {}).get("page") == "each",
            learned=prepare["learned"],
            shape=tuple(prepare["shape"]),
            classes=tuple(prepare["classes"]),
            temperature=float(results["temperature"]),
            threshold=None if threshold is None else task.Threshold.from_dict(threshold),
            unsure_below=float(results["unsure_below"]),
            unlike=_unlike(run),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise RunError(
            f"prepare.json or results.json of {run.path} holds what it should not ({problem}); the run is damaged"
        ) from problem


def _check_complete(path: Path, found: Mapping[str, Any]) -> None:
    """Whether one of the run's JSON files holds every entry that is needed here.

    Raises:
        RunError: an entry is missing; the message names it.
    """
    missing = [entry for entry in _NEEDED[path.name] if entry not in found]
    if missing:
        raise RunError(f"{path} lacks {', '.join(missing)}; the run folder is damaged")


def _network(recipe: Recipe, prepare: Mapping[str, Any]) -> Network:
    """The recipe's network with the run's preprocessing; its weights are fresh."""
    column = prepare["column"]
    problem = Problem(
        Items({}),
        {column: prepare["modality"]},
        {column: prepare["learned"]},
        {column: tuple(prepare["shape"])},
        prepare["target"],
        tuple(prepare["classes"]),
        _NO_ROWS,
        _NO_ROWS,
    )
    return assemble(recipe, problem)


def _with_weights(network: Network, run: Run) -> Network:
    """The network with the run's weights, in evaluation mode."""
    path = run.path / "model.safetensors"
    weights = _checkpoint.load_weights(path)
    try:
        network.load_state_dict(weights)
    except RuntimeError as problem:
        detail = str(problem).strip().splitlines()[-1].strip()
        raise RunError(f"{path} does not fit the network of {run.path / 'recipe.toml'}: {detail}") from problem
    return network.eval()


def _unlike(run: Run) -> Unlike | None:
    path = run.path / "unlike.npz"
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Unlike.from_arrays(dict(arrays))
    except (OSError, ValueError, KeyError) as problem:
        raise RunError(f"{path} cannot be read ({problem}); the run folder is damaged") from problem
