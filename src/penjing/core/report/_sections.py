"""The sections of the page that are numbers and drawings: score, floor, curves, reliability, data, cost, repetition."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import polars as pl
from markupsafe import Markup

from penjing.core import weights
from penjing.core.errors import PenjingError
from penjing.core.recipe import Choice
from penjing.core.report import _figures, _tables, _words, text
from penjing.core.report._read import RunFiles
from penjing.core.score import CHOSEN_ON
from penjing.core.units import show_bytes, show_seconds

WORST_CLASSES = 25
MOST_CLASSES = 1000
MOST_FILES = 50
STAGE_COLOURS = 6
MOST_COLUMNS = 60  # named of one type
# The names under which a record may hold the loss.
LOSSES = ("loss", "log_loss", "rmse")


def score(files: RunFiles) -> dict[str, Any] | None:
    scores = text.floor_scores(files.results)
    if not scores:
        return None
    score = scores[0]
    metric = str(score.get("metric", "accuracy"))
    others = [
        {
            "name": text.metric_name(str(other["metric"])),
            "value": text.show_score(other),
            "why": _words.METRICS.get(other["metric"], ""),
        }
        for other in files.results.get("scores") or []
        if other.get("model", "network") == "network" and other.get("metric") != metric and other.get("part") != "test"
    ]
    return {
        "value": text.show_value(score["value"], metric),
        "whole": text.show_score(score),
        "interval": text.show_score(score).partition(" [")[2].rstrip("]"),
        "n": score.get("n"),
        "metric": text.metric_name(metric),
        "why": _words.METRICS.get(metric, ""),
        "is_chosen_on": score.get("part") in CHOSEN_ON,
        "made_from": text.made_from(files.ledger),
        "is_out_of_fold": score.get("part") == "folds",
        "part": text.PARTS.get(str(score.get("part")), str(score.get("part"))),
        "others": others,
    }


def test(files: RunFiles) -> dict[str, Any]:
    score = _words.test_score(files)
    return {
        "words": _words.test_words(files),
        "value": text.show_value(score["value"], str(score.get("metric", "accuracy"))) if score else "",
        "interval": text.show_score(score).partition(" [")[2].rstrip("]") if score else "",
        "openings": _words.openings(files),
        "can_open": bool((files.run.get("seal") or {}).get("items")),
        "command": shlex.join(["penjing", "test", str(files.folder)]),
    }


def floor(files: RunFiles) -> list[dict[str, Any]]:
    """The rows of the floor table; positions on the bar are in percent of its length."""
    scores = text.floor_scores(files.results)
    metric = text.main_metric(files.results)
    longest = 1.0 if metric in text.SHARES or metric == "macro_f1" else 0.0
    longest = max([longest, *(text.interval(score)[1] for score in scores)])
    rows = []
    for score in scores:
        low, high = text.interval(score)
        rows.append(
            {
                "name": text.model_name(str(score.get("model"))),
                "why": _words.explained(files, str(score.get("model"))),
                "is_network": score.get("model") == "network",
                "value": text.show_score(score),
                "length": _place(score["value"], longest),
                "low": _place(low, longest),
                "span": max(_place(high, longest) - _place(low, longest), 0.0),
            }
        )
    return rows


def _place(value: float, longest: float) -> float:
    return round(100 * min(max(value / longest, 0.0), 1.0), 2) if longest else 0.0


def per_class(files: RunFiles) -> dict[str, Any]:
    rows = _tables.per_class(files)
    return {
        "worst": rows.head(WORST_CLASSES).rows(named=True),
        "rest": rows[WORST_CLASSES:MOST_CLASSES].rows(named=True),
        "left_out": max(len(rows) - MOST_CLASSES, 0),
    }


def curves(files: RunFiles) -> list[tuple[str, Markup]]:
    """Caption and drawing of each learning curve that was recorded."""
    steps = _tables.curves(files)
    if steps.is_empty():
        return []
    recorded = {name.partition("/")[2] for name in steps.columns if name.startswith(("valid/", "train/"))}
    wanted = [metric for metric in dict.fromkeys((*LOSSES, text.main_metric(files.results))) if metric in recorded]
    drawings = [(text.metric_name(metric).capitalize(), _figures.curve(steps, metric)) for metric in wanted]
    drawings.append(("Learning rate", _figures.rate(steps)))
    return [
        (caption, inline(figure, f"curve-{number}", f"{caption} over the training steps"))
        for number, (caption, figure) in enumerate(drawings)
        if figure is not None
    ]


def inline(figure: Any, name: str, description: str) -> Markup:
    """A drawing as the page holds it."""
    # matplotlib escapes the names in it, and the description is escaped there.
    return Markup(_figures.to_inline_svg(figure, name, description))


def reliability(files: RunFiles) -> dict[str, Any] | None:
    after, before, temperature = reliability_bins(files)
    figure = _figures.reliability(after, before)
    if figure is None:
        return None
    return {
        "figure": inline(figure, "reliability", "Stated probability against the share that was right"),
        "after": text.show_percent(_tables.calibration_error(after)),
        "before": text.show_percent(_tables.calibration_error(before)) if len(before) else "",
        "temperature": temperature,
        "unsure_below": files.results.get("unsure_below"),
    }


def reliability_bins(files: RunFiles) -> tuple[pl.DataFrame, pl.DataFrame, float]:
    """The bins as the model answers now, those before the temperature (empty without one), and the temperature."""
    temperature = float(files.results.get("temperature") or 1.0)
    before = _tables.reliability(files, temperature) if temperature != 1.0 else pl.DataFrame()
    return _tables.reliability(files), before, temperature


def data(files: RunFiles) -> dict[str, Any]:
    data = files.run.get("data") or {}
    parts = _tables.parts(files)
    total = int(parts["items"].sum()) if len(parts) else 0
    classes = _tables.class_counts(files)
    largest = int(classes["items"].max() or 1) if len(classes) else 1  # type: ignore[arg-type]
    unreadable = data.get("unreadable") or []
    return {
        "path": data.get("path") or "",
        "items": data.get("items") or total,
        "parts": [
            {"part": part, "name": text.PARTS.get(part, part), "items": items, "share": round(100 * items / total, 2)}
            for part, items in parts.iter_rows()
        ],
        "columns": _columns(files),
        "classes": [
            (name, items, round(100 * items / largest, 1)) for name, items in classes.head(WORST_CLASSES).iter_rows()
        ],
        "more_classes": max(len(classes) - WORST_CLASSES, 0),
        "said": [str(line) for line in files.run.get("said") or []],
        "doubts": [str(line) for line in files.run.get("doubts") or []],
        "unreadable_count": len(unreadable) if isinstance(unreadable, list) else int(unreadable),
        "unreadable": [str(name) for name in unreadable][:MOST_FILES] if isinstance(unreadable, list) else [],
    }


def _columns(files: RunFiles) -> list[tuple[str, int, str]]:
    """Type, how many columns are of it and their names, in the order of the data; where there is more than one."""
    if len(files.columns) < 2:
        return []
    by_kind: dict[str, list[str]] = {}
    for name, kind in files.columns.items():
        by_kind.setdefault(kind, []).append(name)
    found = []
    for kind, names in by_kind.items():
        more = f" and {len(names) - MOST_COLUMNS:,} more" if len(names) > MOST_COLUMNS else ""
        found.append((kind, len(names), ", ".join(names[:MOST_COLUMNS]) + more))
    return found


def pretrained(files: RunFiles) -> list[dict[str, Any]]:
    """Through which encoders that were trained elsewhere an input was seen, and where their weights are from."""
    chosen = {
        str(name): one["pretrained"]
        for name, one in (files.prepare.get("inputs") or {}).items()
        if isinstance(one.get("pretrained"), Mapping)
    }
    others = {name: _about(one) for name, one in files.pretrained.items() if isinstance(one, Mapping)}
    about = chosen or others
    return [
        {
            "input": name,
            "is_chosen": bool(chosen),
            **{key: str(one.get(key) or "") for key in ("name", *weights.ABOUT)},
        }
        for name, one in about.items()
    ]


def _about(encoder: Mapping[str, Any]) -> dict[str, str]:
    """What an encoder of a recipe says of its weights; its name alone where it is not known here."""
    name = str(encoder.get("name"))
    try:
        return {"name": name, **weights.about(Choice(name, {key: encoder[key] for key in encoder if key != "name"}))}
    except PenjingError:
        return {"name": name}


def cost(files: RunFiles) -> dict[str, Any]:
    """Seconds by stage with their share of all, and the sizes in people's units."""
    stages = list(_tables.stages(files).items())
    total = sum(value for _, value in stages)
    by_length = sorted((name for name, _ in stages), key=lambda name: -dict(stages)[name])
    cost, deadline = files.run.get("cost") or {}, files.run.get("deadline_seconds")
    deadline = float(deadline) + _tables.healing_seconds(files) if deadline else None
    shown = {
        "parameters": (text.show_count, "parameters", "numbers the network learned"),
        "size_bytes": (show_bytes, "model file", "space the model takes on the disk"),
        "flop": (text.show_count, "operations", f"additions and multiplications for one {_words.noun(files)} (FLOP)"),
        "memory_bytes": (show_bytes, "memory", "the most memory in use at one time"),
    }
    facts = [(write(cost[key]), name, why) for key, (write, name, why) in shown.items() if cost.get(key)]
    if files.run.get("stalled_seconds"):
        stalled = show_seconds(float(files.run["stalled_seconds"]))
        facts.append((stalled, "waiting", "of the training, in which the network waited for its data"))
    return {
        "settings": _settings(files),
        "stages": [
            {
                "name": name,
                "seconds": show_seconds(value),
                "share": round(100 * value / total, 2) if total else 0,
                "colour": by_length.index(name) % STAGE_COLOURS,
            }
            for name, value in stages
        ],
        "total": show_seconds(total) if stages else "",
        "deadline": show_seconds(float(deadline)) if deadline else "",
        "used": text.show_percent(total / float(deadline)) if deadline and stages else "",
        "facts": facts,
    }


def _settings(files: RunFiles) -> list[dict[str, Any]]:
    """The ways to do the arithmetic that were measured last: what each took, how right it was, why it was refused."""
    lines = [line for line in files.ledger if line.get("what") == "arithmetic"]
    found = ((lines[-1].get("evidence") or {}).get("settings") or []) if lines else []
    return [
        {
            "setting": str(one.get("setting", "")),
            "ms": _figure(one.get("ms"), ".1f"),
            "error": _figure(one.get("error"), ".3f"),
            "cosine": _figure(one.get("cosine"), ".3f"),
            "verdict": "; ".join(
                word for word in ("taken" if one.get("is_chosen") else "", str(one.get("refused") or "")) if word
            ),
        }
        for one in found
    ]


def _figure(value: Any, form: str) -> str:
    return "–" if value is None else format(float(value), form)


def again(files: RunFiles, command: list[str] | None) -> dict[str, Any]:
    given = command or [str(word) for word in files.run.get("command") or []]
    return {
        "command": shlex.join(given) if given else "",
        "recipe": files.recipe,
        "versions": _pairs(files.run.get("versions")),
        "machine": _pairs(files.run.get("machine")),
        "seal": (files.run.get("seal") or {}).get("id") or "",
        "parent": files.run.get("parent") or "",
    }


def _pairs(found: Any) -> list[tuple[str, str]]:
    if isinstance(found, Mapping):
        return [
            (
                str(key).removesuffix("_bytes").replace("_", " "),
                show_bytes(value) if str(key).endswith("_bytes") else str(value),
            )
            for key, value in found.items()
            if value is not None
        ]
    return [("", str(found))] if found else []
