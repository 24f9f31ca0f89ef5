"""Scores and verdicts in plain words, for the report and for the command line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from penjing.core.score import CHOSEN_ON, is_higher_better

MODELS: Mapping[str, str] = {
    "network": "network",
    "boosted_trees": "boosted trees",
    "linear": "linear",
    "majority": "majority",
    "mean": "mean",
    "from_scratch": "from scratch",
    "pretrained": "pretrained features",
}
# Networks that were trained beside the one that was chosen: no simple methods.
CONTENDERS = ("from_scratch", "pretrained")
# Metrics that are shares of items, hence shown in percent.
SHARES = frozenset({"accuracy", "balanced_accuracy", "calibration_error", "subset_accuracy"})
# Metrics in the units of what is predicted, hence shown with as many digits as those need.
IN_UNITS = frozenset({"mae", "rmse"})
SIGNIFICANT_DIGITS = 3
SHORT_NAMES: Mapping[str, str] = {"mae": "MAE", "rmse": "RMSE"}
LINE_COLUMNS, MOST_NAMED = 80, 3
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


def simple_scores(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The scores of the simple methods in the main metric, the best first."""
    others = ("network", *CONTENDERS)
    return [score for score in floor_scores(results) if score.get("model") not in others]


def winning_floor(results: Mapping[str, Any]) -> dict[str, Any] | None:
    """The best simple method when the network is not better than it, else None."""
    scores, simple = floor_scores(results), simple_scores(results)
    if not simple or scores[0].get("model") != "network":
        return None
    return None if is_better(scores[0], simple[0]) else simple[0]


def made_from(ledger: Iterable[Mapping[str, Any]]) -> str:
    """The run whose scores a final one shows, since nothing is left to score it by; "" of a run with its own."""
    return next((str(line.get("choice") or "") for line in ledger if line.get("what") == "final"), "")


def floor_lines(results: Mapping[str, Any], parent: str = "") -> list[str]:
    """The result in a few short lines, such as "valid  0.91 [0.86–0.95] (chosen on)   boosted trees 0.78".

    Where a simple method is as good as the network or better, the first line says so.

    Args:
        results: `results.json`; without scores there are no lines.
        parent: the run that the scores are of, where this one was made from it; see `made_from`.
    """
    lines = _floor_lines(results)
    if lines and parent:
        lines.append(f"       these are of the run that it was made from ({parent}); it learned from those items too")
    return lines


def _floor_lines(results: Mapping[str, Any]) -> list[str]:
    scores = floor_scores(results)
    if not scores:
        return []
    metric, first = main_metric(results), scores[0]
    show = _writer(scores, metric)
    chosen = " (chosen on)" if first.get("part") in CHOSEN_ON else ""
    interval = f" [{show(first['low'])}–{show(first['high'])}]" if first.get("low") is not None else ""
    # Without a name a score is the usual one: a share of classes told rightly.
    called = f"{SHORT_NAMES.get(metric, metric_name(metric))} " if metric not in SHARES and "metric" in first else ""
    label = "" if first.get("model") == "network" else f"{model_name(str(first.get('model')))} "
    line = f"{first.get('part', 'valid')}  {label}{called}{show(first['value'])}{interval}{chosen}"
    lines, has_floor = [line], False
    for score in _worth_naming(scores[1:]):
        named = f"   {model_name(score['model'])} {show(score['value'])}"
        if len(lines[-1]) + len(named) > LINE_COLUMNS:
            if has_floor:  # the best simple method is always named, the others where there is room
                break
            lines.append("    ")
        lines[-1] += named
        has_floor = score.get("model") not in CONTENDERS
    better = winning_floor(results)
    if better is None:
        return lines
    verdict = "do better than" if better["value"] != first["value"] else "do as well as"
    return [f"{METHODS.get(better['model'], better['model'])} {verdict} the network on these data", *lines]


def _worth_naming(others: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The network that was not chosen, then the best of the simple methods."""
    contenders = [score for score in others if score.get("model") in CONTENDERS]
    return [*contenders, *(score for score in others if score not in contenders)][:MOST_NAMED]


METHODS: Mapping[str, str] = {
    "boosted_trees": "Boosted trees on simple features",
    "linear": "Linear models on simple features",
    "majority": "Answers that always name the most frequent class",
    "mean": "Answers that are always the mean",
}


def _writer(scores: list[dict[str, Any]], metric: str) -> Callable[[float], str]:
    """How values are written on a terminal: with two digits, or three where the network's interval is so narrow that
    two would hide it; in the units of what is predicted with as many as those need."""
    if metric in IN_UNITS:
        return show_number
    low, high = interval(scores[0])
    digits = 3 if low < high and high - low < 0.02 else 2
    return lambda value: f"{round(value, digits) + 0.0:.{digits}f}"  # adding nothing makes no negative zero


METRIC_NAMES: Mapping[str, str] = {
    "macro_f1": "macro-F1",
    "micro_f1": "micro-F1",
    "f1": "F1",
    "r2": "R²",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "subset_accuracy": "accuracy of whole label sets",
}


def model_name(model: str) -> str:
    """A model's name for people: "boosted trees" for "boosted_trees"."""
    return MODELS.get(model, model.replace("_", " "))


def metric_name(metric: str) -> str:
    """A metric's name for people: "balanced accuracy" for "balanced_accuracy"."""
    return METRIC_NAMES.get(metric, metric.replace("_", " "))


def show_value(value: float, metric: str) -> str:
    """A metric's value for people: "91.2%" for a share, "14,231" in units, else three digits."""
    if metric in IN_UNITS:
        return show_number(value)
    shown = f"{100 * value:.1f}%" if metric in SHARES else f"{value:.3f}"
    # A score just below zero is no negative zero.
    return shown.removeprefix("-") if not re.search("[1-9]", shown) else shown.replace("-", "−")


def show_effect(value: float, low: float, high: float, metric: str) -> str:
    """What a change of a metric was worth, with its interval: "+5.2 points [+3.1 to +7.4]"."""
    is_share = metric in SHARES

    def shown(number: float) -> str:
        sign = "+" if number > 0 else "−" if number < 0 else ""
        if is_share:
            return f"{sign}{abs(100 * number):.1f}"
        return sign + (show_number(abs(number)) if metric in IN_UNITS else f"{abs(number):.3f}")

    return f"{shown(value)}{' points' * is_share} [{shown(low)} to {shown(high)}]"


def show_number(value: float | None) -> str:
    """A number of any size for people, with three digits that count and those before the point: "14,231", "0.0217"."""
    if value is None or not math.isfinite(value):
        return "–"
    if abs(value) >= 10**SIGNIFICANT_DIGITS:
        return f"{value:,.0f}"
    return f"{value:.{SIGNIFICANT_DIGITS}g}"


def show_score(score: Mapping[str, Any]) -> str:
    """A score with its interval: "91.2% [88.4–93.9%]"."""
    metric = str(score.get("metric", "accuracy"))
    value = show_value(score["value"], metric)
    if score.get("low") is None or score.get("high") is None:
        return value
    low, high = show_value(score["low"], metric), show_value(score["high"], metric)
    dash = " to " if "−" in low + high else "–"
    return f"{value} [{low.removesuffix('%')}{dash}{high}]"


def show_percent(value: float | None) -> str:
    """A share for people: "97%", with one digit near none and all, "<0.1%", "–" when there is none."""
    if value is None or math.isnan(value):
        return "–"
    if 0 < value < 0.0005:
        return "<0.1%"
    if 0.9995 < value < 1:
        return ">99.9%"
    digits = 1 if 0 < value < 0.01 or 0.99 < value < 1 else 0
    return f"{100 * value:.{digits}f}%"


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


def capitalised(sentence: str) -> str:
    """A sentence that begins with a capital letter; the rest of it stays as it is."""
    return sentence[:1].upper() + sentence[1:]


def many(count: int, word: str, words: str = "") -> str:
    """A count with its noun: "1 time", "3 times", "2 classes"; `words` is a plural that follows no rule."""
    if count == 1:
        return f"1 {word}"
    if words:
        return f"{count:,} {words}"
    return f"{count:,} {word}{'es' if word.endswith(('s', 'x', 'ch')) else 's'}"
