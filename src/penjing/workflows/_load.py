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
from penjing.core.recipe import Choice, Recipe
from penjing.core.run import Run
from penjing.core.table import Column
from penjing.exports._subject import Subject
from penjing.modalities import text
from penjing.tasks._doubt import Unlike
from penjing.training import _checkpoint
from penjing.training._assemble import Network
from penjing.training._loader import Items, chunks
from penjing.training.engine import EVALUATION_BATCH, Problem, assemble, torch_half
from penjing.workflows._own import given
from penjing.workflows._pretrained import EMBEDDING, beside, embedded, own_decode
from penjing.workflows._slots import Encoded

# What answering needs of a run's JSON files.
_NEEDED = {
    "prepare.json": ("inputs", "target", "classes"),
    "results.json": ("threshold",),
}
_NO_ROWS = np.arange(0)


@dataclass(frozen=True)
class Answers:
    """What a run says of some items, in their order.

    Attributes:
        answer: Float32[items, outputs]: probabilities, or the number itself.
        unsure: Bool[items], whether the highest probability is under the bound that validation set.
        unlike: Bool[items], whether the item is far from the training data; all False where the run cannot tell.
    """

    answer: np.ndarray
    unsure: np.ndarray
    unlike: np.ndarray


@dataclass(frozen=True)
class Input:
    """One input of a run's network.

    Attributes:
        name: what it is called.
        modality: its plug-in's name.
        columns: the data's columns it is made of, with their modalities.
        settings: how a file is decoded; None where the cells hold the values themselves.
        learned: preprocessing learned on the training part, as the front end takes it.
        shape: at the encoder.
        item_shape: of one decoded or encoded item.
        dtype: of its values.
        encoder: the pretrained encoder that decoded items are seen through, or None.
        channels: of the data's own pictures, whatever the encoder takes; 0 for others.
    """

    name: str
    modality: str
    columns: tuple[Column, ...]
    settings: Any
    learned: Mapping[str, Any]
    shape: tuple[int, ...]
    item_shape: tuple[int, ...]
    dtype: str
    encoder: Choice | None = None
    channels: int = 0

    @property
    def plugin(self) -> Any:
        return plugins.load("modalities", self.modality)

    def see(self, values: Any) -> np.ndarray:
        """Decoded or encoded items as the network takes them: through the encoder, where there is one."""
        if self.encoder is None:
            return np.asarray(values)
        found = embedded(self.encoder, values, {} if self.settings is None else vars(self.settings))
        return beside(found, text.encode_words(values, self.learned["words"])) if "words" in self.learned else found

    @property
    def is_file(self) -> bool:
        """Whether its items are files, decoded one by one."""
        return self.settings is not None


@dataclass(frozen=True)
class Loaded:
    """A run, ready to answer.

    Attributes:
        run: the folder.
        recipe: as it was carried out.
        network: with the run's weights, in evaluation mode.
        inputs: what it looks at.
        takes_every_page: whether each page of a TIFF is an item of its own.
        classes: names, in the order of the outputs.
        calibrated: what the task learned from validation after the weights.
        threshold: where two classes are told apart, or None for the most probable class.
        unlike: tells what is far from the training data, or None.
    """

    run: Run
    recipe: Recipe
    network: Network
    inputs: tuple[Input, ...]
    takes_every_page: bool
    classes: tuple[str, ...]
    calibrated: Mapping[str, Any]
    threshold: Any
    unlike: Unlike | None

    @property
    def task(self) -> Any:
        """The task's plug-in."""
        return plugins.load("tasks", self.recipe.task.name)

    @property
    def learned(self) -> dict[str, Any]:
        """Input → preprocessing learned on the training part."""
        return {one.name: one.learned for one in self.inputs}

    @property
    def only_file(self) -> Input | None:
        """The network's one input, where that is a file; else None."""
        return self.inputs[0] if len(self.inputs) == 1 and self.inputs[0].is_file else None

    def answer(self, values: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray] | None = None) -> Answers:
        """What the run says of some items.

        Args:
            values: input → decoded or encoded items.
            present: input → Bool[items], which of them are there; an input left out is there throughout.
        """
        seen = {one.name: one.see(values[one.name]) for one in self.inputs if one.name in values}
        features, outputs = self._outputs(seen, present or {})
        answer = self.task.answer(outputs, self.calibrated)
        below = self.calibrated.get("unsure_below")
        unsure = np.zeros(len(answer), dtype=bool) if below is None else answer.max(axis=1) < below
        unlike = np.zeros(len(answer), dtype=bool) if self.unlike is None else self.unlike.is_unlike(features)
        return Answers(answer, unsure, unlike)

    @torch.no_grad()
    def _outputs(
        self, values: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Float32[items, features] and Float32[items, outputs], from one pass through the network."""
        device = next(self.network.parameters()).device
        items = Items({name: Encoded(given) for name, given in values.items()}, present=dict(present))
        features, outputs = [], []
        for rows in chunks(np.arange(len(next(iter(values.values())))), EVALUATION_BATCH):
            seen, said = self.network.answer(items.batch(rows).to(device))
            features.append(seen.float().cpu())
            outputs.append(said.float().cpu())
        return torch.cat(features).numpy(), torch.cat(outputs).numpy()

    @property
    def subject(self) -> Subject:
        """What an export needs to know."""
        facts = {
            "inputs": {one.name: {"modality": one.modality, "decode": _plain(one.settings)} for one in self.inputs},
            "task": self.recipe.task.name,
            "threshold": None if self.threshold is None else self.threshold.to_dict(),
            **self.calibrated,
        }
        shapes = {one.name: (one.item_shape, one.dtype) for one in self.inputs}
        return Subject(self.network, shapes, self.classes, torch_half(self.task, "head").Answer(self.calibrated), facts)


def _plain(settings: Any) -> dict[str, Any] | None:
    return None if settings is None else dict(vars(settings))


def load(run: Run, device: str = "cpu", model: object | None = None) -> Loaded:
    """The network of a run with everything it needs to answer.

    Args:
        device: where it answers.
        model: a person's own network, where the run cannot make it again.

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
    task = plugins.load("tasks", recipe.task.name)
    threshold = results["threshold"]
    try:
        return Loaded(
            run=run,
            recipe=recipe,
            network=_with_weights(_network(recipe, prepare, model), run),
            inputs=tuple(_input(name, found) for name, found in prepare["inputs"].items()),
            takes_every_page=run.info.get("wish", {}).get("data", {}).get("page") == "each",
            classes=tuple(prepare["classes"]),
            calibrated=calibrated_of(results),
            threshold=None if threshold is None else task.Threshold.from_dict(threshold),
            unlike=_unlike(run),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise RunError(
            f"prepare.json or results.json of {run.path} holds what it should not ({problem}); the run is damaged"
        ) from problem


def calibrated_of(results: Mapping[str, Any]) -> dict[str, Any]:
    """What the task learned from validation after the weights; the first format kept it among the results."""
    return {name: results[name] for name in results.get("calibrated", ("temperature", "unsure_below"))}


def _input(name: str, found: Mapping[str, Any]) -> Input:
    plugin = plugins.load("modalities", found["modality"])
    settings_of = found.get("settings", {})
    columns = tuple(
        Column(column, "input", modality, settings_of.get(column, {})) for column, modality in found["columns"].items()
    )
    is_file = getattr(plugin, "KIND", "cell") == "file"
    settings = plugin.Settings(**found["decode"]) if is_file else None
    channels = getattr(settings, "channels", 0)
    said = found.get("pretrained")
    encoder = None if said is None else Choice(said["name"], said["settings"])
    if is_file and encoder is not None:
        settings = own_decode(encoder, settings)
    if is_file and encoder is None:
        form = plugin.form(settings)
        item_shape, dtype = tuple(form.shape), form.dtype
    else:
        item_shape, dtype = tuple(found["item_shape"]), found["dtype"]
    return Input(
        name,
        found["modality"],
        columns,
        settings,
        found["learned"],
        tuple(found["shape"]),
        item_shape,
        dtype,
        encoder,
        channels,
    )


def _check_complete(path: Path, found: Mapping[str, Any]) -> None:
    """Whether one of the run's JSON files holds every entry that is needed here.

    Raises:
        RunError: an entry is missing; the message names it.
    """
    missing = [entry for entry in _NEEDED[path.name] if entry not in found]
    if missing:
        raise RunError(f"{path} lacks {', '.join(missing)}; the run folder is damaged")


def _network(recipe: Recipe, prepare: Mapping[str, Any], model: object | None) -> Network:
    """The recipe's network with the run's preprocessing; its weights are fresh."""
    inputs = prepare["inputs"]
    problem = Problem(
        Items({}),
        {name: EMBEDDING if "pretrained" in found else found["modality"] for name, found in inputs.items()},
        {name: found["learned"] for name, found in inputs.items()},
        {name: tuple(found["shape"]) for name, found in inputs.items()},
        prepare["target"],
        tuple(prepare["classes"]),
        _NO_ROWS,
        _NO_ROWS,
        prepare.get("learned_target", {}),
        None if model is None else given(model),
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
