"""What a floor's answer is, and how it is kept in a file."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from penjing.core.files import write_atomically
from penjing.tasks._floor.examples import clean, one_thread, quiet_sklearn, stratified_order
from penjing.tasks._floor.linear import Linear, fit_linear
from penjing.tasks._floor.trees import Trees, refit_trees


@runtime_checkable
class Predictor(Protocol):
    """Anything that gives probabilities for features."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Float32[items, classes] for Float[items, features]."""
        ...


@dataclass(frozen=True)
class Majority:
    """Gives every item the shares of the classes in the training part.

    Attributes:
        share: Float32[classes].
    """

    share: np.ndarray

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Float32[items, classes]."""
        return np.tile(self.share, (len(features), 1))


@dataclass(frozen=True)
class FloorResult:
    """One answer of the floor.

    Attributes:
        name: "majority", "linear" or "boosted_trees".
        probability: Float32[items, classes] of the validation items.
        seconds: how long it took, all trials included.
        settings: what was chosen; JSON values.
        predictor: the fitted model.
    """

    name: str
    probability: np.ndarray
    seconds: float
    settings: Mapping[str, Any]
    predictor: Predictor

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Float32[items, classes]: the probability of each class for Float[items, features]."""
        return self.predictor.predict(clean(features))

    @property
    def effort(self) -> float:
        """How far it was fitted, in its own unit: rounds of trees or iterations."""
        return float(self.settings.get("rounds", self.settings.get("iterations", 0)))


def save_floor(path: Path, results: Sequence[FloorResult]) -> None:
    """Keep the floor in one .npz file without pickle: numbers of the majority and linear models, settings of all.

    Boosted trees are kept as settings; `load_floor` grows them again.
    """
    arrays: dict[str, np.ndarray] = {}
    for result in results:
        if isinstance(result.predictor, Majority | Linear):
            arrays |= {f"{result.name}.{key}": value for key, value in vars(result.predictor).items()}
    about = [{"name": item.name, "seconds": item.seconds, "settings": dict(item.settings)} for item in results]
    arrays["about"] = np.array(json.dumps(about))

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    write_atomically(path, write)


def load_floor(
    path: Path, features_train: np.ndarray, y_train: np.ndarray, features_valid: np.ndarray
) -> list[FloorResult]:
    """The floor kept in a file, its trees grown again from the training items they were grown from."""
    with np.load(path, allow_pickle=False) as kept:
        arrays = {name: kept[name] for name in kept.files}
    found = []
    for about in json.loads(str(arrays["about"])):
        name, settings = about["name"], about["settings"]
        values = {key.split(".")[1]: value for key, value in arrays.items() if key.startswith(f"{name}.")}
        predictor: Predictor
        if name == "majority":
            predictor = Majority(**values)
        elif name == "linear":
            predictor = Linear(**values)
        else:
            classes = len(arrays["majority.share"])
            predictor = refit(clean(features_train), y_train, classes, settings)
        probability = predictor.predict(clean(features_valid))
        found.append(FloorResult(name, probability, about["seconds"], settings, predictor))
    return found


def fit_again(result: FloorResult, features_train: np.ndarray, y_train: np.ndarray, classes: int) -> FloorResult:
    """A model with the settings of another, fitted on other items without looking at the clock.

    Args:
        features_train: Float[items, features] of the items it learns from now.
        y_train: Int[items], their classes.

    Returns:
        The fitted model, with no validation items answered.
    """
    started, known, predictor = time.monotonic(), clean(features_train), result.predictor
    settings = {**result.settings, "items": len(y_train)}
    if isinstance(predictor, Majority):
        counts = np.bincount(y_train, minlength=classes)
        predictor = Majority((counts / max(counts.sum(), 1)).astype(np.float32))
    elif isinstance(predictor, Linear):
        with one_thread(), quiet_sklearn():
            as_far = {**settings, "most_iterations": settings["iterations"]}
            predictor = fit_linear(known, y_train, classes, as_far, np.inf)[0]
    else:
        predictor = refit(known, y_train, classes, settings)
    nothing = np.zeros((0, classes), dtype=np.float32)
    return FloorResult(result.name, nothing, time.monotonic() - started, settings, predictor)


def refit(features_train: np.ndarray, y_train: np.ndarray, classes: int, settings: Mapping[str, Any]) -> Trees:
    """The boosted trees that recorded settings describe, grown from the same training items."""
    rows = slice(None)
    if settings["items"] < len(y_train):
        rows = np.sort(stratified_order(y_train, settings["seed"])[: settings["items"]])  # type: ignore[assignment]
    with one_thread(), quiet_sklearn():
        return refit_trees(features_train[rows], y_train[rows], classes, settings)
