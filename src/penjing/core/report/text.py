"""Scores and verdicts in plain words, for the report and for the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from penjing.core.score import is_higher_better

MODELS: Mapping[str, str] = {
    "network": "network",
    "boosted_trees": "boosted trees",
    "linear": "linear",
    "majority": "majority",
    "mean": "mean",
}
# Metrics that are shares of items, hence shown in percent.
SHARES = frozenset({"accuracy", "balanced_accuracy", "calibration_error", "subset_accuracy"})
PARTS: Mapping[str, str] = {
    "train": "training",
    "valid": "validation",
    "confirm": "confirmation",
    "test": "test",
    "folds": "validation in turn",
    "excluded": "left out",
}


def main_metric(results: Mapping[str, Any]) -> str:
    """The metric that the run is judged by: the one its model was chosen by, else the first one scored."""
    metrics = [str(score.get("metric", "accuracy")) for score in results.get("scores") or []]
    chosen_by = results.get("chosen_by")
    if chosen_by in metrics:
        return str(chosen_by)
    return metrics[0] if metrics else "accuracy"


def floor_scores(results: Mapping[str, Any], metric: str | None = None) -> list[dict[str, Any]]:
    """The scores of one metric, one per model, the network first and then the best of the others first.

    Args:
        results: `results.json`.
        metric: its name; None takes the main metric.
    """
    metric = metric or main_metric(results)
    found = [score for score in results.get("scores") or [] if score.get("metric", "accuracy") == metric]
    found = [score for score in found if score.get("value") is not None]
    latest = {str(score.get("model", "network")): dict(score) for score in found if score.get("part") != "test"}
    return sorted(latest.values(), key=lambda score: (score.get("model") != "network", -_goodness(score)))


def is_better(score: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether the first of two scores in the same metric is the better one."""
    return _goodness(score) > _goodness(other)


def _goodness(score: Mapping[str, Any]) -> float:
    """A score's value, turned round where less is better."""
    return float(score["value"] if is_higher_better(score) else -score["value"])


def winning_floor(results: Mapping[str, Any]) -> dict[str, Any] | None:
    """The best simple method when the network is not better than it, else None."""
    scores = floor_scores(results)
    if len(scores) < 2 or scores[0].get("model") != "network":
        return None
    network, best = scores[0], scores[1]
    return None if is_better(network, best) else best


def floor_lines(results: Mapping[str, Any]) -> list[str]:
    """The result in one or two short lines, such as "valid  0.91 [0.86–0.95] (chosen on)   boosted trees 0.78".

    Where a simple method is as good as the network or better, the first line says so.

    Args:
        results: `results.json`; without scores there are no lines.
    """
    scores = floor_scores(results)
    if not scores:
        return []
    digits = _digits(scores)
    first, others = scores[0], scores[1:]
    chosen = " (chosen on)" if first.get("part") == "valid" else ""
    interval = f" [{first['low']:.{digits}f}–{first['high']:.{digits}f}]" if "low" in first else ""
    label = "" if first.get("model") == "network" else f"{model_name(str(first.get('model')))} "
    line = f"{first.get('part', 'valid')}  {label}{first['value']:.{digits}f}{interval}{chosen}"
    line += "".join(f"   {model_name(score['model'])} {score['value']:.{digits}f}" for score in others[:3])
    better = winning_floor(results)
    if better is None:
        return [line]
    verdict = "do better than" if better["value"] != first["value"] else "do as well as"
    return [f"{METHODS.get(better['model'], better['model'])} {verdict} the network on these data", line]


METHODS: Mapping[str, str] = {
    "boosted_trees": "Boosted trees on simple features",
    "linear": "Linear models on simple features",
    "majority": "Answers that always name the most frequent class",
    "mean": "Answers that are always the mean",
}


def _digits(scores: list[dict[str, Any]]) -> int:
    """Two digits, or three where the network's interval is so narrow that two would hide it."""
    width = scores[0].get("high", 1.0) - scores[0].get("low", 0.0)
    return 3 if width < 0.02 else 2


def model_name(model: str) -> str:
    """A model's name for people: "boosted trees" for "boosted_trees"."""
    return MODELS.get(model, model.replace("_", " "))


def metric_name(metric: str) -> str:
    """A metric's name for people: "balanced accuracy" for "balanced_accuracy"."""
    return {"macro_f1": "macro-F1", "f1": "F1"}.get(metric, metric.replace("_", " "))


def show_value(value: float, metric: str) -> str:
    """A metric's value for people: "91.2 %" for a share, else three digits."""
    return f"{100 * value:.1f} %" if metric in SHARES else f"{value:.3f}"


def show_score(score: Mapping[str, Any]) -> str:
    """A score with its interval: "91.2 % [88.4–93.9 %]"."""
    metric = str(score.get("metric", "accuracy"))
    value = show_value(score["value"], metric)
    if score.get("low") is None or score.get("high") is None:
        return value
    low, high = show_value(score["low"], metric), show_value(score["high"], metric)
    return f"{value} [{low.removesuffix(' %')}–{high}]"


def show_percent(value: float | None) -> str:
    """A share for people: "97 %", with one digit near none and all, "<0.1 %", "–" when there is none."""
    if value is None or math.isnan(value):
        return "–"
    if 0 < value < 0.0005:
        return "<0.1 %"
    if 0.9995 < value < 1:
        return ">99.9 %"
    digits = 1 if 0 < value < 0.01 or 0.99 < value < 1 else 0
    return f"{100 * value:.{digits}f} %"


def interval(score: Mapping[str, Any]) -> tuple[float, float]:
    """The ends of a score's interval; its value twice when it has none."""
    low, high = score.get("low"), score.get("high")
    return (score["value"] if low is None else low, score["value"] if high is None else high)


def show_count(value: float) -> str:
    """A count for people: "1,200", "3.4 million", "12 trillion"."""
    for size, word in ((1e15, "quadrillion"), (1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if value >= size:
            return f"{value / size:.3g} {word}"
    return f"{value:,.0f}"


def show_moment(value: Any) -> str:
    """A moment for people, "2026-11-23 10:00:05", from ISO text or seconds since 1970; else the text itself."""
    try:
        moment = datetime.fromtimestamp(value) if isinstance(value, int | float) else datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return str(value)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def many(count: int, word: str) -> str:
    """A count with its noun: "1 time", "3 times", "2 classes"."""
    if count == 1:
        return f"1 {word}"
    return f"{count:,} {word}{'es' if word.endswith(('s', 'x', 'ch')) else 's'}"
