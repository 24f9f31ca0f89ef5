"""What can be wrong with a training: one entry a fault, with what must be found and what else is true of it.

`required` and `also` were written down from what the fault is, before any check looked, and are not changed after what
checks say. Any other finding at warning level or above is a false alarm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clinic import spoil
from clinic.data import Sample
from clinic.networks import Plan
from penjing.core.process import usable_cores
from penjing.core.recipe import Recipe

ALL = ("image", "sound", "text", "table")
DENSE = ("image", "sound", "table")  # what a plain network gets as numbers
# What a plain network is trained with, unless its fault says something else.
PLAIN: Mapping[str, Any] = {
    "optimiser": "adamw",
    "optimiser.rate": 4e-3,
    "schedule": "one_cycle",
    "training.steps": 200,
    "training.batch_size": 32,
    "training.ema": 0.0,
    "augment": [],
}

THREADS_A_CORE = 4  # where arithmetic is slow

Assign = Callable[[Recipe, float], Mapping[str, Any]]
Spoil = Callable[[Sample, float, np.random.Generator], Sample]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        kind: where it is: "recipe", "network", "data" or "labels".
        required: the finding that must be there.
        also: at most two findings that are true of it as well.
        strengths: how much of it, in the development part.
        unseen: how much of it, in the final part.
        is_count: whether the strength counts something, so that it is whole.
        recipe: the good recipe and a strength → choices that are changed.
        plan: a strength → a plain network with the fault, instead of the recipe's.
        preprocess, gives: how that network is spoken to; see `models.own.Settings`.
        sample: items, a strength and draws → items with the fault.
        is_shuffled: whether batches are dealt anew in each epoch.
        stall_seconds: how long a batch is waited for, times the strength.
        modalities: where it can be.
        tasks: of the data.
        only: the only data sets where it can be; () are all.
        asked: where people asked about it.
    """

    kind: str
    required: str
    also: tuple[str, ...] = ()
    strengths: tuple[float, ...] = (1.0,)
    unseen: tuple[float, ...] = (1.0,)
    is_count: bool = False
    recipe: Assign | None = None
    plan: Callable[[float], Plan] | None = None
    preprocess: str = "standardised"
    gives: str = ""
    sample: Spoil | None = None
    is_shuffled: bool = True
    stall_seconds: float = 0.0
    modalities: tuple[str, ...] = ALL
    tasks: tuple[str, ...] = ("classify", "regress")
    only: tuple[str, ...] = ()
    asked: str = field(default="", compare=False)

    def doses(self, part: str) -> tuple[float, ...]:
        """How much of it, in a part of the clinic."""
        if part == "fresh":
            return _between(self.strengths, self.unseen, self.is_count)
        return self.unseen if part == "final" else self.strengths


def _between(strengths: Sequence[float], unseen: Sequence[float], is_count: bool) -> tuple[float, ...]:
    """The geometric mean of each strength of the development part with each of the final part; those that one of the
    two parts has are left out, where others remain."""
    means = [math.copysign(math.sqrt(one * other), one) for one in strengths for other in unseen]
    rounded = dict.fromkeys(float(round(mean)) if is_count else float(f"{mean:.3g}") for mean in means)
    return tuple(mean for mean in rounded if mean not in (*strengths, *unseen)) or tuple(rounded)


# ---- what is done to recipes


def _steps(times: float, recipe: Recipe) -> int:
    return max(1, round(recipe.training.steps * times))


def _sized(recipe: Recipe, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the network, those that it has."""
    return {f"model.{name}": value for name, value in settings.items() if name in recipe.model.settings}


def _held_by_nothing(recipe: Recipe) -> dict[str, Any]:
    """No regularisation of any kind."""
    free = {"dropout": 0.0, "word_dropout": 0.0, "members": 1}
    smooth = {"task.label_smoothing": 0.0} if "label_smoothing" in recipe.task.settings else {}
    return {**_sized(recipe, free), **smooth, "optimiser.weight_decay": 0.0, "augment": [], "wide.longest": 0}


def _by_heart(recipe: Recipe, strength: float) -> Mapping[str, Any]:
    course = {"schedule": "constant", "training.ema": 0.0, "training.steps": round(400 * strength)}
    return {**_held_by_nothing(recipe), **course, "optimiser.rate": 3e-3}


def _too_long(recipe: Recipe, strength: float) -> Mapping[str, Any]:
    return {**_held_by_nothing(recipe), "training.steps": _steps(strength, recipe), "schedule": "constant"}


def _whole_batch(recipe: Recipe, strength: float) -> Mapping[str, Any]:
    """As many passes as before, in far fewer updates."""
    return {"training.batch_size": 0, "training.steps": max(10, _steps(0.1 / strength, recipe)), "wide.longest": 0}


def _few_updates(recipe: Recipe, strength: float) -> Mapping[str, Any]:
    return {"training.steps": max(8, _steps(strength, recipe)), "schedule": "constant", "wide.longest": 0}


def leaping(recipe: Recipe, strength: float) -> Mapping[str, Any]:
    rate = recipe.optimiser.settings["rate"] * strength
    return {"optimiser.rate": rate, "schedule": "constant", "training.ema": 0.0, "wide.longest": 0}


def _creeping(recipe: Recipe, strength: float) -> Mapping[str, Any]:
    return {"optimiser.rate": recipe.optimiser.settings["rate"] * strength, "training.ema": 0.0, "wide.longest": 0}


def _silenced(recipe: Recipe, strength: float) -> Mapping[str, Any]:
    return {**_sized(recipe, {"dropout": strength, "word_dropout": strength}), "wide.longest": 0}


def _decayed(recipe: Recipe, strength: float) -> Mapping[str, Any]:
    # AdamW takes rate × decay off a weight at each update.
    return {"optimiser.weight_decay": strength / recipe.optimiser.settings["rate"], "wide.longest": 0}


def _tiny(recipe: Recipe, strength: float) -> Mapping[str, Any]:
    small = {"width": int(strength), "wide": 1, "buckets": 16, "depth": 1, "members": 1, "dropout": 0.0}
    return {**_sized(recipe, small), "wide.longest": 0}


def _huge(recipe: Recipe, strength: float) -> Mapping[str, Any]:
    width = {"cnn": 48, "mlp": 1024, "keyword": 24, "tabular": 1024}.get(recipe.model.name, 256)
    return _sized(recipe, {"width": round(width * strength)})


def _crowded(recipe: Recipe, strength: float) -> Mapping[str, Any]:  # noqa: ARG001 - as all others
    """Threads that wait for each other on any machine; what a number format costs depends on the processor."""
    return {"machine.layout": "contiguous", "machine.threads": THREADS_A_CORE * usable_cores()}


FAULTS: Mapping[str, Fault] = {
    # ---- in the recipe
    "learned by heart": Fault(
        "recipe",
        "overfit",
        ("trained_long", "miscalibrated"),
        (1.0, 2.0),
        (1.5,),
        recipe=_by_heart,
        sample=lambda sample, _, draw: spoil.few(sample, 120, draw),
    ),
    "trained too long": Fault(
        "recipe", "trained_long", ("overfit", "miscalibrated"), (5.0, 8.0), (6.0,), recipe=_too_long
    ),
    "stopped early": Fault(
        "recipe", "stopped_early", ("underfit", "beaten_by_simple"), (0.05, 0.1), (0.07,), recipe=_few_updates
    ),
    "rate too high": Fault(
        "recipe", "oscillating", ("underfit", "beaten_by_simple"), (30.0, 100.0), (60.0,), recipe=leaping
    ),
    "rate too low": Fault(
        "recipe", "crawling", ("not_learning", "beaten_by_simple"), (1e-3, 3e-4), (5e-4,), recipe=_creeping
    ),
    "diverged": Fault(
        "recipe",
        "diverged",
        ("exploding_gradient", "not_learning"),
        (1e4, 1e6),
        (1e5,),
        plan=lambda _: Plan(),
        recipe=lambda _, strength: {"optimiser": "sgd", "optimiser.rate": strength, "schedule": "constant"},
    ),
    "too much dropout": Fault(
        "recipe", "underfit", ("not_learning", "beaten_by_simple"), (0.95, 0.98), (0.97,), recipe=_silenced
    ),
    "too much weight decay": Fault(
        "recipe", "underfit", ("not_learning", "beaten_by_simple"), (0.1, 0.3), (0.2,), recipe=_decayed
    ),
    "batch of one": Fault(
        "recipe",
        "small_batch",
        ("oscillating", "beaten_by_simple"),
        (1.0, 2.0),
        (1.0,),
        is_count=True,
        recipe=lambda _, strength: {"training.batch_size": int(strength)},
    ),
    "all in one batch": Fault(
        "recipe", "large_batch", ("stopped_early", "beaten_by_simple"), (1.0, 2.0), (1.5,), recipe=_whole_batch
    ),
    "squared error for classes": Fault(
        "recipe",
        "wrong_loss",
        ("miscalibrated", "beaten_by_simple"),
        tasks=("classify",),
        recipe=lambda *_: {"task.loss": "mean_squared_error"},
    ),
    "network too small": Fault(
        "recipe", "small_model", ("underfit", "beaten_by_simple"), (1.0, 2.0), (1.0,), is_count=True, recipe=_tiny
    ),
    "network too large": Fault(
        "recipe", "large_model", ("overfit", "trained_long"), (1.0,), (0.8,), recipe=_huge, modalities=DENSE
    ),
    "slow arithmetic": Fault(
        "recipe",
        "slow_kernels",
        (),
        recipe=_crowded,
        modalities=("image",),
    ),
    "other seeds, other networks": Fault(
        "recipe",
        "unstable",
        ("oscillating", "overfit"),
        (10.0,),
        (15.0,),
        recipe=leaping,
        sample=lambda sample, _, draw: spoil.few(sample, 60, draw),
    ),
    "never shuffled": Fault(
        "recipe",
        "oscillating",
        ("not_learning", "beaten_by_simple"),
        tasks=("classify",),
        is_shuffled=False,
        recipe=lambda *_: {"wide.longest": 0, "training.ema": 0.0, "schedule": "constant"},
    ),
    "slow input": Fault(
        "recipe",
        "slow_input",
        (),
        (0.05,),
        (0.08,),
        stall_seconds=1.0,
        recipe=lambda recipe, _: {"training.steps": max(150, recipe.training.steps)},
    ),
    # ---- in the network
    "sigmoids, one upon the other": Fault(
        "network",
        "vanishing_gradient",
        ("not_learning", "beaten_by_simple"),
        (8.0, 12.0),
        (10.0,),
        is_count=True,
        plan=lambda strength: Plan(depth=int(strength), activation="sigmoid"),
    ),
    "weights drawn too large": Fault(
        "network",
        "exploding_gradient",
        ("diverged", "not_learning"),
        (3.0, 6.0),
        (4.0,),
        plan=lambda strength: Plan(depth=6, scale=strength),
        recipe=lambda *_: {"optimiser": "sgd", "optimiser.rate": 1e-3},
    ),
    "units that died": Fault(
        "network",
        "dead_units",
        ("not_learning", "beaten_by_simple"),
        (-8.0, -20.0),
        (-12.0,),
        plan=lambda strength: Plan(bias=strength),
        modalities=DENSE,
    ),
    "tanh at its bounds": Fault(
        "network",
        "saturated_units",
        ("miscalibrated", "beaten_by_simple"),
        (20.0, 60.0),
        (40.0,),
        plan=lambda strength: Plan(activation="tanh", scale=strength),
        modalities=DENSE,
    ),
    "softmax twice": Fault(
        "network",
        "wrong_output",
        ("miscalibrated", "beaten_by_simple"),
        tasks=("classify",),
        gives="logits",
        plan=lambda _: Plan(last="softmax"),
    ),
    "softmax missing": Fault(
        "network",
        "wrong_output",
        ("not_learning", "beaten_by_simple"),
        tasks=("classify",),
        gives="probabilities",
        plan=lambda _: Plan(),
    ),
    "sigmoid for many classes": Fault(
        "network",
        "wrong_output",
        ("miscalibrated", "beaten_by_simple"),
        tasks=("classify",),
        gives="logits",
        plan=lambda _: Plan(last="sigmoid"),
    ),
    "relu at the end": Fault(
        "network", "wrong_output", ("dead_units", "beaten_by_simple"), plan=lambda _: Plan(last="relu")
    ),
    "all weights zero": Fault(
        "network", "not_learning", ("dead_units", "beaten_by_simple"), plan=lambda _: Plan(scale=0.0), modalities=DENSE
    ),
    "inputs as they came": Fault(
        "network",
        "unscaled_input",
        ("dead_units", "beaten_by_simple"),
        preprocess="raw",
        plan=lambda _: Plan(),
        only=("digits", "mnist", "cifar", "cancer", "fashion", "cifar_pets", "cifar_outdoors", "cells", "friedman3"),
    ),
    "frozen layers": Fault(
        "network",
        "underfit",
        ("small_model", "beaten_by_simple"),
        (3.0, 4.0),
        (5.0,),
        is_count=True,
        plan=lambda strength: Plan(width=16, depth=int(strength), frozen=int(strength)),
        modalities=DENSE,
    ),
    "no activation": Fault(
        "network",
        "underfit",
        ("small_model", "beaten_by_simple"),
        plan=lambda _: Plan(is_linear=True, depth=3),
        only=("clusters", "friedman", "rings", "spirals", "friedman3"),
    ),
    "uneven certainty": Fault(
        "network",
        "miscalibrated",
        ("overfit", "beaten_by_simple"),
        (20.0,),
        (30.0,),
        tasks=("classify",),
        plan=lambda strength: Plan(uneven=strength),
        modalities=DENSE,
    ),
    # ---- in the data
    "too few examples": Fault(
        "data", "few_examples", ("overfit", "tiny_classes"), (24.0, 48.0), (36.0,), is_count=True, sample=spoil.few
    ),
    "copies": Fault("data", "duplicates", ("overfit",), (0.3, 0.6), (0.45,), sample=spoil.copied),
    "copies that leak": Fault("data", "leak", ("duplicates",), (0.05, 0.3), (0.15,), sample=spoil.leaked),
    "another kind to validate": Fault(
        "data", "drift", ("miscalibrated", "overfit"), (0.5, 1.0), (0.75,), sample=spoil.other_kind
    ),
    "constant columns": Fault(
        "data",
        "constant_columns",
        ("constant_input", "useless_input"),
        (1.0, 3.0),
        (2.0,),
        is_count=True,
        sample=spoil.constant,
        modalities=("table",),
    ),
    "black pictures": Fault(
        "data",
        "constant_items",
        ("duplicates", "cross_class_duplicates"),
        (0.1, 0.3),
        (0.2,),
        sample=spoil.blank,
        modalities=("image",),
    ),
    "columns of chance": Fault(
        "data",
        "useless_input",
        (),
        (1.0, 4.0),
        (2.0,),
        is_count=True,
        sample=spoil.noise_columns,
        modalities=("table",),
    ),
    "the answer among the inputs": Fault(
        "data",
        "leaking_columns",
        ("useless_input", "leaking_input"),
        (1.0, 3.0),
        (2.0,),
        sample=spoil.answer_column,
        modalities=("table",),
    ),
    "rows numbered": Fault(
        "data",
        "id_columns",
        ("useless_input",),
        (0.0, 1000.0),
        (500.0,),
        is_count=True,
        sample=spoil.numbered,
        modalities=("table",),
    ),
    "empty columns": Fault(
        "data", "missing_values", ("useless_input",), (0.7, 0.9), (0.8,), sample=spoil.emptied, modalities=("table",)
    ),
    "a mark tells the class": Fault(
        "data", "shortcut", (), (2.0, 3.0), (2.0,), is_count=True, sample=spoil.marked, modalities=("image",)
    ),
    "one class is rare": Fault(
        "data",
        "imbalance",
        ("missed_class", "tiny_classes"),
        (0.05, 0.1),
        (0.08,),
        sample=spoil.rare,
        tasks=("classify",),
    ),
    # ---- in the labels
    "wrong labels": Fault(
        "labels",
        "label_errors",
        ("overfit", "miscalibrated"),
        (0.1, 0.25),
        (0.15,),
        sample=spoil.flipped,
        tasks=("classify",),
    ),
    "labels of other items": Fault(
        "labels", "not_learning", ("overfit", "miscalibrated"), (1.0,), (1.0,), sample=spoil.unpaired
    ),
    "labels counted otherwise": Fault(
        "labels",
        "label_errors",
        ("not_learning", "overfit"),
        (1.0,),
        (1.0,),
        sample=spoil.off_by_one,
        tasks=("classify",),
    ),
    "one item, two labels": Fault(
        "labels",
        "cross_class_duplicates",
        ("duplicates", "label_errors"),
        (0.1, 0.2),
        (0.15,),
        sample=spoil.two_labels,
        tasks=("classify",),
    ),
    "slipped decimal points": Fault(
        "labels",
        "exploding_gradient",
        ("not_learning", "beaten_by_simple"),
        (1e3, 1e4),
        (3e3,),
        sample=spoil.spiked,
        tasks=("regress",),
    ),
}


def required_names(faults: Sequence[Fault]) -> list[str]:
    """Every finding that some fault names, in alphabetical order."""
    return sorted({name for fault in faults for name in (fault.required, *fault.also)})
