"""What a floor's answer is, and how it is kept in a file."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core.files import write_atomically
from penjing.tasks._floor.constant import Majority
from penjing.tasks._floor.examples import one_thread, quiet_sklearn, strata_of, stratified_order
from penjing.tasks._floor.features import Features, Given, as_features
from penjing.tasks._floor.joined import Mixed, OfCounts, PerLabel, Predictor
from penjing.tasks._floor.kinds import fit
from penjing.tasks._floor.linear import Linear
from penjing.tasks._floor.ridge import Ridge, TextRidge
from penjing.tasks._floor.text import TextLinear

TREES = "boosted_trees"


@dataclass(frozen=True)
class FloorResult:
    """One answer of the floor.

    Attributes:
        name: "majority" ("mean" for a number), "linear" or "boosted_trees".
        answer: Float32[items, outputs] for the validation items, as the task's own answers are.
        seconds: how long it took, all trials included.
        settings: what was chosen; JSON values.
        predictor: the fitted model.
        task: name of the task.
    """

    name: str
    answer: np.ndarray
    seconds: float
    settings: Mapping[str, Any]
    predictor: Predictor
    task: str = "classify"

    def predict(self, features: Given) -> np.ndarray:
        """Float32[items, outputs]: the answer for each item."""
        return self.predictor.predict(as_features(features))

    @property
    def probability(self) -> np.ndarray:
        """The answer, where it is of probabilities."""
        return self.answer

    @property
    def effort(self) -> float:
        """How far it was fitted, in its own unit: rounds of trees or iterations."""
        rounds = [one.get("rounds", one.get("iterations", 0)) for one in self.settings.get("labels", [self.settings])]
        return float(sum(rounds))


def save_floor(path: Path, results: Sequence[FloorResult]) -> None:
    """Keep the floor in one .npz file without pickle: the numbers of all models but trees, and the settings of all.

    Boosted trees are kept as settings; `load_floor` grows them again.
    """
    arrays: dict[str, np.ndarray] = {}
    about = []
    for result in results:
        kept = {"name": result.name, "task": result.task, "seconds": result.seconds, "settings": dict(result.settings)}
        if result.name != TREES:
            kept["form"] = _pack(result.predictor, result.name, arrays)
        about.append(kept)
    arrays["about"] = np.array(json.dumps(about))

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    write_atomically(path, write)


def _pack(predictor: Predictor, place: str, arrays: dict[str, np.ndarray]) -> Any:
    """Put a model's numbers under names that begin with `place`; what it is made of, as JSON values."""
    if isinstance(predictor, OfCounts):
        return {"of_counts": _pack(predictor.part, place, arrays)}
    if isinstance(predictor, Mixed):
        parts = [_pack(part, f"{place}.{number}", arrays) for number, part in enumerate(predictor.parts)]
        return {"mixed": parts, "shares": list(predictor.shares), "is_number": predictor.is_number}
    if isinstance(predictor, PerLabel):
        return {"per_label": [_pack(part, f"{place}.{number}", arrays) for number, part in enumerate(predictor.parts)]}
    arrays |= {f"{place}.{key}": value for key, value in vars(predictor).items()}
    return type(predictor).__name__


def _unpack(form: Any, place: str, arrays: Mapping[str, np.ndarray]) -> Predictor:
    if isinstance(form, str):
        kind = {one.__name__: one for one in (Majority, Linear, TextLinear, Ridge, TextRidge)}[form]
        values = {field.name: arrays[f"{place}.{field.name}"] for field in fields(kind)}
        found: Predictor = kind(**values)
        return found
    if "of_counts" in form:
        return OfCounts(_unpack(form["of_counts"], place, arrays))
    parts = tuple(
        _unpack(one, f"{place}.{number}", arrays) for number, one in enumerate(form.get("mixed", form.get("per_label")))
    )
    return Mixed(parts, tuple(form["shares"]), form["is_number"]) if "mixed" in form else PerLabel(parts)


def load_floor(path: Path, features_train: Given, y_train: np.ndarray, features_valid: Given) -> list[FloorResult]:
    """The floor kept in a file, its trees grown again from the training items they were grown from."""
    with np.load(path, allow_pickle=False) as kept:
        arrays = {name: kept[name] for name in kept.files}
    found = []
    known, asked = as_features(features_train), as_features(features_valid)
    outputs = 0
    for about in json.loads(str(arrays["about"])):
        name, settings, task = about["name"], about["settings"], about.get("task", "classify")
        if name == TREES:
            predictor = refit(task, known, y_train, outputs, settings)
        else:
            form = about.get("form", "Linear" if name == "linear" else "Majority")  # older files do not say
            predictor = _unpack(form, name, arrays)
        if isinstance(predictor, Majority):
            outputs = len(predictor.share)
        found.append(FloorResult(name, predictor.predict(asked), about["seconds"], settings, predictor, task))
    return found


def fit_again(result: FloorResult, features_train: Given, y_train: np.ndarray, outputs: int) -> FloorResult:
    """A model with the settings of another, fitted on other items without looking at the clock.

    Args:
        features_train: of the items it learns from now.
        y_train: their encoded targets.
        outputs: classes, 1, or labels.

    Returns:
        The fitted model, with no validation items answered.
    """
    started, predictor = time.monotonic(), result.predictor
    settings = {**result.settings, "items": len(y_train)}
    if isinstance(predictor, Majority):
        predictor = Majority.learn(result.task, y_train, outputs)
    else:
        predictor = refit(result.task, as_features(features_train), y_train, outputs, settings, result.name)
    nothing = np.zeros((0, outputs), dtype=np.float32)
    return FloorResult(result.name, nothing, time.monotonic() - started, settings, predictor, result.task)


def refit(
    task: str, features: Features, y: np.ndarray, outputs: int, settings: Mapping[str, Any], method: str = TREES
) -> Predictor:
    """The model that recorded settings describe, fitted to the same training items."""
    if settings["items"] < len(y):
        order = stratified_order(strata_of(task, y), settings.get("seed", 0))
        rows = np.sort(order[: settings["items"]])
        features, y = features[rows], y[rows]
    nobody = features[:0], y[:0]
    with one_thread(), quiet_sklearn():
        return fit(task, method, features, y, outputs, settings, nobody, math.inf)[0]
