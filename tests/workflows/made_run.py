"""A run folder with a real network, made by hand, for tests of what answers from one."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core.files import write_json
from penjing.core.recipe import Choice, Machine, Recipe
from penjing.core.run import Run, create
from penjing.modalities.image import Settings
from penjing.tasks._doubt import Unlike
from penjing.training import engine
from penjing.training._checkpoint import save_weights
from penjing.training._loader import Items
from penjing.workflows.predict import Predictions

CLASSES = ("猫", "dog", "bird")
COLOURS = {"猫": (200, 40, 40), "dog": (40, 200, 40), "bird": (40, 40, 200)}
LEARNED = {1: {"mean": [0.4], "std": [0.25]}, 3: {"mean": [0.4, 0.4, 0.4], "std": [0.25, 0.3, 0.25]}}


class Pictures:
    """Uint8 pictures in memory, as the cache hands them out."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def take(self, index: np.ndarray) -> np.ndarray:
        return self.values[index]


def picture(label: str, seed: int = 0, side: int = 16) -> np.ndarray:
    """Uint8 [side, side, 3]: noise around the class's colour."""
    noise = np.random.default_rng(seed).integers(-40, 40, (side, side, 3))
    return np.clip(np.array(COLOURS[label]) + noise, 0, 255).astype(np.uint8)


def write_run(folder: Path, settings: Settings | None = None, **results: Any) -> Run:
    """A finished run that tells three colours apart, trained for a moment.

    Args:
        settings: how it decodes; default 16 pixels a side, in colour.
        results: entries of `results.json` that replace the usual ones.
    """
    settings = settings or Settings(side=16)
    recipe = Recipe(model=Choice("cnn", {"width": 8}), machine=Machine(threads=1)).filled()
    problem = posed(settings)
    network = engine.carry_out(_short(recipe), problem).network
    run = create(folder, "colours/", {"wish": {"data": {"page": settings.page}}})
    run.update(status="finished")
    run.write_recipe(recipe)
    save_weights(folder / "model.safetensors", network.state_dict())
    write_json(
        folder / "prepare.json",
        {
            "column": "image",
            "modality": "image",
            "decode": asdict(settings),
            "learned": LEARNED[settings.channels],
            "shape": [settings.channels, settings.side, settings.side],
            "target": "label",
            "classes": list(CLASSES),
        },
    )
    usual = {"classes": list(CLASSES), "scores": [], "temperature": 1.3, "threshold": None, "unsure_below": 0.5}
    write_json(folder / "results.json", {**usual, **results})
    features = engine.features(network, problem.items, np.arange(len(problem.truth)))
    known, usual = problem.train, np.setdiff1d(np.arange(len(features)), problem.train)
    unlike = Unlike.learn(features[known], problem.truth[known], features[usual])
    np.savez(folder / "unlike.npz", **unlike.to_arrays())  # type: ignore[arg-type]
    return Run(folder)


def posed(settings: Settings) -> engine.Problem:
    """Ninety pictures of three colours, the first thirty of them trained on."""
    truth = np.arange(90) % len(CLASSES)
    values = np.stack([picture(CLASSES[label], seed, settings.side) for seed, label in enumerate(truth)])
    if settings.channels == 1:
        values = values[..., :1]
    shape = (settings.channels, settings.side, settings.side)
    return engine.Problem(
        Items({"image": Pictures(values)}, {"label": truth}),
        {"image": "image"},
        {"image": LEARNED[settings.channels]},
        {"image": shape},
        "label",
        CLASSES,
        np.arange(30),
        np.arange(0),
    )


def _short(recipe: Recipe) -> Recipe:
    return replace(recipe, training=replace(recipe.training, steps=30, batch_size=15, evaluations=1))


def copied(run: Run, folder: Path) -> Run:
    """The same run in another folder, to be damaged there."""
    return Run(Path(shutil.copytree(run.path, folder)))


def labels(found: Predictions) -> list[str]:
    """The classes that items were taken for, in their order."""
    return found.frame["prediction"].to_list()
