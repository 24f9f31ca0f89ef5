"""What a good training is on each draw: the best of twenty recipes, drawn at random and judged on validation.

A run is healthy when it comes within one point of that best. So health is told by the score alone, and never by a
check.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _record import RESULTS, circumstances

from clinic.carry import Ward
from clinic.data import DataSet
from penjing.core.errors import PenjingError
from penjing.core.randomness import stream
from penjing.core.recipe import Choice, Machine, Recipe, Training, Wide, change, from_dict, to_dict
from penjing.training import engine

RECIPES = 20
POINT = 0.01
EVALUATIONS = 10
FILE = RESULTS / "clinic" / "best.json"

# Network → settings to draw from, a list each.
Networks = Mapping[str, Mapping[str, Mapping[str, Sequence[Any]]]]
_NETWORKS: Networks = {
    "image": {
        "cnn": {"width": (8, 12), "dropout": (0.0, 0.1, 0.2)},
        "mlp": {"width": (64, 128), "depth": (1, 2), "dropout": (0.0, 0.2, 0.4)},
    },
    "sound": {"keyword": {"width": (8,), "dropout": (0.0, 0.1, 0.2)}},
    "text": {
        "ngrams": {"width": (16, 32), "wide": (8, 16), "buckets": (16384,), "dropout": (0.3, 0.5)},
        "bag": {"width": (16, 32), "dropout": (0.3, 0.5)},
    },
    "table": {"tabular": {"width": (64, 128), "depth": (1, 2), "dropout": (0.0, 0.1, 0.3), "members": (1, 8)}},
}
# The same for the final part.
_UNSEEN_NETWORKS: Networks = {
    "image": {"image_example": {"first": (8, 16), "second": (16,), "dense": (32, 64)}, "cnn": {"width": (16,)}},
    "sound": {"speech_recurrent": {"width": (24, 32), "layers": (1,)}, "keyword": {"width": (16,)}},
    "text": {"text_cnn": {"width": (32,), "filters": (32, 48), "dropout": (0.3, 0.5)}, "bag": {"width": (64,)}},
    "table": {"tabular": {"width": (96, 160), "depth": (3,), "dropout": (0.0, 0.2), "members": (1, 4)}},
}
# And for the fresh part.
_FRESH_NETWORKS: Networks = {
    "image": {
        "cnn": {"width": (10, 14), "dropout": (0.0, 0.15)},
        "mlp": {"width": (96, 192), "depth": (3,), "dropout": (0.1, 0.3)},
    },
    "sound": {
        "keyword": {"width": (12,), "dropout": (0.05, 0.15)},
        "speech_recurrent": {"kind": ("lstm",), "width": (40,), "dropout": (0.1, 0.3)},
    },
    "text": {
        "ngrams": {"width": (24,), "wide": (12,), "buckets": (8192,), "dropout": (0.4,)},
        "text_cnn": {"width": (24,), "filters": (24, 64), "dropout": (0.4,)},
    },
    "table": {"tabular": {"width": (48, 192), "depth": (1, 2, 3), "dropout": (0.05, 0.15), "members": (2, 16)}},
}
_OF_PART: Mapping[str, Networks] = {"development": _NETWORKS, "final": _UNSEEN_NETWORKS, "fresh": _FRESH_NETWORKS}
# Steps, batch sizes, the ends of the rate, and sets of augmentations.
_COURSES: Mapping[str, tuple[Sequence[int], Sequence[int], tuple[float, float], Sequence[Sequence[Choice]]]] = {
    "image": ((120, 200), (32, 64), (2e-3, 2e-2), ((), (Choice("crop", {"shift": 0.0625}),))),
    "sound": ((60, 100), (32,), (2e-3, 2e-2), ((), (Choice("shift"),), (Choice("shift"), Choice("mask")))),
    "text": ((40, 80, 160), (64, 128), (1e-3, 2e-2), ((),)),
    "table": ((200, 400), (32, 64), (1e-3, 1e-2), ((),)),
}


def any_recipe(
    modality: str, task: str, draw: np.random.Generator, times: float = 1.0, part: str = "development"
) -> Recipe:
    """A sensible recipe drawn at random, of `times` as many updates as usual."""
    networks = _OF_PART[part][modality]

    def one(values: Sequence[Any]) -> Any:
        return values[int(draw.integers(len(values)))]

    name = one(list(networks))
    settings = {key: one(values) for key, values in networks[name].items()}
    steps, batches, (low, high), augment = _COURSES[modality]
    rate = float(np.exp(draw.uniform(np.log(low), np.log(high))))
    smoothing = one((0.0, 0.1)) if task == "classify" else None
    return Recipe(
        task=Choice(task, {} if smoothing is None else {"label_smoothing": smoothing}),
        augment=tuple(one(augment)),
        model=Choice(name, settings),
        wide=Wide(longest=3 if modality == "text" else 0),
        optimiser=Choice("adamw", {"rate": rate, "weight_decay": one((0.0, 0.01, 0.05, 0.1))}),
        schedule=Choice("one_cycle"),
        training=Training(
            steps=round(times * one(steps)), batch_size=one(batches), evaluations=EVALUATIONS, ema=one((0.0, 0.98))
        ),
        machine=Machine(threads=1),
    ).filled()


def tune(ward: Ward, data: DataSet, name: str, number: int) -> dict[str, Any]:
    """Twenty recipes on one draw, the best first."""
    draw = stream(number, f"clinic recipes {name}")
    found = []
    for _ in range(RECIPES):
        recipe = any_recipe(data.modality, data.task, draw, data.steps, data.part)
        value = scored(ward, recipe)
        found.append({"value": value, "recipe": _kept(recipe)})
    found.sort(key=lambda one: -one["value"])
    return {"best": found[0]["value"], "values": [round(one["value"], 4) for one in found], "recipes": found[:5]}


def scored(ward: Ward, recipe: Recipe) -> float:
    """The watched metric on validation; −1 where the training failed."""
    try:
        found = engine.carry_out(recipe, ward.problem).best
    except PenjingError:
        return -1.0
    return -1.0 if found is None else float(found)


def _kept(recipe: Recipe) -> dict[str, Any]:
    """A recipe as plain values, without what every recipe here has."""
    plain = to_dict(recipe)
    return {
        key: plain[key] for key in ("task", "augment", "model", "wide", "optimiser", "schedule", "training", "machine")
    }


def recall(file: Path = FILE) -> dict[str, dict[str, Any]]:
    """What `tune` found so far: "data set, draw" → the best, and the recipes that reached most."""
    if not file.exists():
        return {}
    found: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["result"]
    return found


def keep(found: Mapping[str, Any], file: Path = FILE) -> None:
    """Write what `tune` found."""
    file.parent.mkdir(parents=True, exist_ok=True)
    said = {"result": dict(found), **circumstances()}
    file.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def key(name: str, number: int) -> str:
    """What a draw is called in the file."""
    return f"{name} {number}"


def best_recipe(name: str, number: int) -> Recipe:
    """The best recipe known for a draw; that of draw 0 where it was not tuned."""
    known = recall()
    found = known.get(key(name, number)) or known[key(name, 0)]
    return from_dict(found["recipes"][0]["recipe"]).filled()


def variation(name: str, number: int, draw: np.random.Generator, seed: int) -> Recipe:
    """A recipe near one of those that reached most: another seed, another rate, another number of steps."""
    found = recall()[key(name, number)]
    good = [one["recipe"] for one in found["recipes"] if one["value"] >= found["best"] - POINT]
    recipe = from_dict(good[int(draw.integers(len(good)))]).filled()
    rate = recipe.optimiser.settings["rate"] * float(draw.uniform(0.7, 1.4))
    steps = int(recipe.training.steps * draw.uniform(0.9, 1.3))
    return change(recipe, {"seed": seed, "optimiser.rate": rate, "training.steps": steps})


def is_healthy(name: str, number: int, value: float | None) -> bool:
    """Whether a score is within one point of the best that is known for its draw."""
    return value is not None and value >= recall()[key(name, number)]["best"] - POINT
