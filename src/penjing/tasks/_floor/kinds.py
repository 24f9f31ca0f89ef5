"""How each task fits its linear model and its boosted trees; fitted again, they need no clock."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penjing.tasks._floor.constant import Majority
from penjing.tasks._floor.features import Features
from penjing.tasks._floor.joined import Mixed, OfCounts, PerLabel, Predictor, choose_shares
from penjing.tasks._floor.linear import MOST_ITERATIONS, fit_linear
from penjing.tasks._floor.ridge import fit_ridge, fit_text_ridge
from penjing.tasks._floor.text import TRIALS as TEXT_TRIALS
from penjing.tasks._floor.text import fit_text
from penjing.tasks._floor.trees import fit_trees, refit_trees
from penjing.tasks.regress.transform import choose_transform, learn_scale

STRENGTHS = (0.01, 0.1, 0.001, 1.0)
PENALTIES = (0.01, 0.001, 0.1, 1.0)
TEXT_PENALTIES = (1.0, 0.3, 3.0, 10.0)
GROWTHS = ((0.2, 15), (0.1, 31))  # (rate, leaves)
MORE_GROWTHS = ((0.05, 7, 1.0), (0.05, 15, 3.0), (0.1, 5, 0.0), (0.03, 31, 10.0))  # (rate, leaves, l2)
DENSE_SHARE = 0.5  # of the time of a linear model that reads numbers and words

Settings = Mapping[str, Any]
Valid = tuple[Features, np.ndarray]
Fitted = tuple[Predictor, dict[str, Any]]


def linear_trials(task: str, features: Features, y: np.ndarray) -> list[dict[str, Any]]:
    """Settings worth a trial for a linear model, the safest first."""
    if task == "regress":
        transforms = ("none", "log") if y.min() >= 0 else ("none",)
        return [
            {"penalty": penalty, "text_penalty": text_penalty, "transform": transform}
            for penalty, text_penalty in zip(PENALTIES, TEXT_PENALTIES, strict=True)
            for transform in transforms
        ]
    plain = {"class_weight": "none", "most_iterations": MOST_ITERATIONS}
    dense = [{"strength": strength} for strength in STRENGTHS]
    text = [
        {"text_strength": one["strength"], **{k: v for k, v in one.items() if k != "strength"}} for one in TEXT_TRIALS
    ]
    if features.counts is None:
        return [{**one, **plain} for one in dense]
    if features.dense.shape[1] == 0:
        return [{**one, **plain} for one in text]
    return [{**one, **other, **plain} for one, other in zip(dense, text, strict=True)]


def tree_trials(task: str, y: np.ndarray, seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Settings worth a trial for boosted trees, the safest first; and those for which there may be time."""
    likely = choose_transform("auto", learn_scale(y)) if task == "regress" else ""
    kind: dict[str, Any] = {"transform": likely} if likely else {"class_weight": "none"}
    first = [{"rate": rate, "leaves": leaves, "l2": 0.0, "seed": seed, **kind} for rate, leaves in GROWTHS]
    more = [{"rate": rate, "leaves": leaves, "l2": l2, "seed": seed, **kind} for rate, leaves, l2 in MORE_GROWTHS]
    if likely == "log":
        more += [{**one, "transform": "none"} for one in more[:2]]
    return first, more


def fit(
    task: str, method: str, x: Features, y: np.ndarray, outputs: int, settings: Settings, valid: Valid, deadline: float
) -> Fitted:
    """A model, and the settings that give it again.

    Args:
        task: name of the task.
        method: "linear" or "boosted_trees".
        outputs: classes, 1, or labels.
        settings: of `linear_trials` or `tree_trials`; or those that a fit gave, without a clock.
        valid: validation items; there may be none.
        deadline: on the clock of `time.monotonic`; infinite where a model is fitted again.
    """
    if task == "tag":
        return _per_label(method, x, y, settings, valid, deadline)
    if method == "boosted_trees":
        if "chunks" in settings:
            return refit_trees(x, y, outputs, settings), dict(settings)
        return fit_trees(x, y, outputs, settings, valid, deadline)
    is_number = task == "regress"
    has_both = x.counts is not None and x.dense.shape[1] > 0
    fits: list[Callable[[float], Fitted]] = []
    if x.dense.shape[1] > 0 or x.counts is None:
        fits.append(lambda end: _dense(x, y, outputs, settings, end, is_number))
    if x.counts is not None:
        fits.append(lambda end: _text(x, y, outputs, settings, end, is_number))
    if not has_both:
        return fits[0](deadline)
    now = time.monotonic()
    dense, used = fits[0](now + DENSE_SHARE * (deadline - now))
    words, also_used = fits[1](deadline)
    used = {**used, **also_used}
    answers = [dense.predict(valid[0]), words.predict(valid[0])] if len(valid[1]) else []
    shares = tuple(settings["shares"]) if "shares" in settings else choose_shares(answers, valid[1], is_number)
    return Mixed((dense, words), shares, is_number), {**used, "shares": list(shares)}


def _dense(x: Features, y: np.ndarray, outputs: int, settings: Settings, deadline: float, is_number: bool) -> Fitted:
    if is_number:
        return fit_ridge(x.dense, y, settings), dict(settings)
    most = settings.get("iterations", settings["most_iterations"])
    model, iterations = fit_linear(x.dense, y, outputs, {**settings, "most_iterations": most}, deadline)
    return model, {**settings, "iterations": iterations}


def _text(x: Features, y: np.ndarray, outputs: int, settings: Settings, deadline: float, is_number: bool) -> Fitted:
    if is_number:
        return OfCounts(fit_text_ridge(x.counts, y, settings)), dict(settings)
    most = settings.get("text_iterations", settings["most_iterations"])
    known = {**settings, "strength": settings["text_strength"], "most_iterations": most}
    model, iterations = fit_text(x.counts, y, outputs, known, deadline)
    return OfCounts(model), {**settings, "text_iterations": iterations}


def _per_label(method: str, x: Features, y: np.ndarray, settings: Settings, valid: Valid, deadline: float) -> Fitted:
    """One model for each label; a label that all training items have, or none, is given to all, or none."""
    found: list[Predictor] = []
    used: list[Any] = []
    again: Sequence[Any] = settings.get("labels", [None] * y.shape[1])
    for label, kept in enumerate(again):
        has = (y[:, label] > 0).astype(np.int64)
        if has.min() == has.max():
            found.append(Majority(np.array([1 - has[0], has[0]], dtype=np.float32)))
            used.append(kept or {})
            continue
        now = time.monotonic()
        end = now + (deadline - now) / (y.shape[1] - label) if math.isfinite(deadline) else deadline
        judges = valid[0], (valid[1][:, label] > 0).astype(np.int64)
        model, one = fit("classify", method, x, has, 2, kept or settings, judges, end)
        found.append(model)
        used.append(one)
    return PerLabel(tuple(found)), {**settings, "labels": used}
