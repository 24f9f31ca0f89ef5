"""The page: what the template needs, gathered from a run, and the one HTML file made of it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from penjing.core.report import _figures, _tables, _words, text
from penjing.core.report._pictures import Album, overlay
from penjing.core.report._read import RunFiles
from penjing.core.units import show_bytes, show_seconds

HERE = Path(__file__).parent
# Up to this many classes the confusion matrix is shown whole, beyond it as a list of pairs.
WHOLE_MATRIX = 25
CONFUSED_PAIRS = 30
PICTURES_PER_CELL = 12
WORST_CLASSES = 25
MOST_CLASSES = 1000
MOST_DECISIONS = 400
PICTURES_BYTES = 2_500_000


@dataclass(frozen=True)
class Item:
    """One item as the page shows it.

    Attributes:
        name: the file's name.
        picture: a data URI, or "".
        heat: a data URI of where the network looked, or "".
        given: the given class.
        predicted: the predicted class.
        stated: the probability of the answer, "97 %".
        believed: the probability of the given class, "1 %".
    """

    name: str
    picture: str
    given: str
    predicted: str
    stated: str
    believed: str
    heat: str = ""


def render(files: RunFiles, command: list[str] | None) -> str:
    """The whole page as HTML."""
    environment = _environment()
    context = {**page(files, command), "style": _raw("report.css"), "script": _raw("report.js")}
    return environment.get_template("report.jinja").render(context)


def render_notebook(files: RunFiles) -> str:
    """The headline, the floor and the curves as an HTML fragment for a notebook."""
    return (
        _environment()
        .get_template("notebook.jinja")
        .render(
            headline=_words.headline(files),
            floor=_floor(files),
            figures=_curves(files),
            test=_test(files),
            style=_raw("notebook.css"),
        )
    )


def page(files: RunFiles, command: list[str] | None) -> dict[str, Any]:
    """Everything the template shows, under the template's own names."""
    album = Album(files.pictures, PICTURES_BYTES)
    right, wrong = _tables.looked(files)
    context = {
        "title": str(files.run.get("title") or files.folder.name),
        "run": files.run,
        "noun": _words.noun(files),
        "headline": _words.headline(files),
        "score": _score(files),
        "test": _test(files),
        "floor": _floor(files),
        "mistakes": [_item(row, album) for row in _tables.mistakes(files).iter_rows(named=True)],
        "suspects": [_item(row, album) for row in _tables.suspects(files).iter_rows(named=True)],
        "looked_right": [_item(row, album, files.heat) for row in right.iter_rows(named=True)],
        "looked_wrong": [_item(row, album, files.heat) for row in wrong.iter_rows(named=True)],
        "confusion": _confusion(files, album),
        "per_class": _per_class(files),
        "curves": _curves(files),
        "reliability": _reliability(files),
        "data": _data(files),
        "decisions": _tables.decisions(files).tail(MOST_DECISIONS).rows(named=True),
        "cost": _cost(files),
        "again": _again(files, command),
        "unreadable_files": files.unreadable,
        "has_folds": bool((files.split["fold"] >= 0).any()) if "fold" in files.split.columns else False,
    }
    return {**context, "has_pictures": bool(files.pictures)}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, count=text.show_count, moment=text.show_moment, many=text.many)
    return environment


def percent(value: float | None) -> str:
    """A share for people: "97 %", "0.4 %" below one; "–" when there is none."""
    if value is None or math.isnan(value):
        return "–"
    return f"{100 * value:.1f} %" if 0 < value < 0.01 else f"{100 * value:.0f} %"


def _raw(name: str) -> Markup:
    return Markup((HERE / name).read_text(encoding="utf-8"))


def gallery(files: RunFiles, rows: pl.DataFrame, with_heat: bool = False) -> tuple[list[np.ndarray], list[str]]:
    """The pictures of some items with their captions, those with a picture only.

    Args:
        with_heat: whether to show where the network looked instead of the bare picture.
    """
    shown = [row for row in rows.iter_rows(named=True) if row["hash"] in files.pictures]
    pictures = [files.pictures[row["hash"]] for row in shown]
    if with_heat:
        pictures = [overlay(files.pictures[row["hash"]], files.heat[row["hash"]]) for row in shown]
    return pictures, [f"{row['predicted']} {percent(row['stated'])}\ngiven: {row['target']}" for row in shown]


def _item(row: Mapping[str, Any], album: Album, heat: Mapping[str, Any] | None = None) -> Item:
    return Item(
        name=str(row["name"]),
        picture=album.show(row["hash"]),
        given=str(row["target"]),
        predicted=str(row["predicted"]),
        stated=percent(row["stated"]),
        believed=percent(row["given"]),
        heat=album.show_heat(row["hash"], heat[row["hash"]]) if heat else "",
    )


def _score(files: RunFiles) -> dict[str, Any] | None:
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
        "is_chosen_on": score.get("part") == "valid",
        "part": text.PARTS.get(str(score.get("part")), str(score.get("part"))),
        "others": others,
    }


def _test(files: RunFiles) -> dict[str, Any]:
    score = _words.test_score(files)
    return {
        "words": _words.test_words(files),
        "value": text.show_value(score["value"], str(score.get("metric", "accuracy"))) if score else "",
        "interval": text.show_score(score).partition(" [")[2].rstrip("]") if score else "",
        "openings": len(_words.openings(files)),
        "can_open": bool((files.run.get("seal") or {}).get("items")),
        "command": shlex.join(["penjing", "test", files.folder.name]),
    }


def _floor(files: RunFiles) -> list[dict[str, Any]]:
    """The rows of the floor table; positions on the bar are in percent of its length."""
    scores = text.floor_scores(files.results)
    metric = text.main_metric(files.results)
    longest = 1.0 if metric in text.SHARES or metric == "macro_f1" else 0.0
    longest = max([longest, *(score.get("high") or score["value"] for score in scores)])
    rows = []
    for score in scores:
        low, high = score.get("low") or score["value"], score.get("high") or score["value"]
        rows.append(
            {
                "name": text.model_name(str(score.get("model"))),
                "why": _words.EXPLAINED.get(str(score.get("model")), ""),
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


def _confusion(files: RunFiles, album: Album) -> dict[str, Any] | None:
    """The matrix for few classes, the most confused pairs for many; cells know their items."""
    pairs = _tables.confusion(files)
    if pairs.is_empty():
        return None
    by_cell = _items_by_cell(files, album)
    cells = {
        (given, predicted): _cell(given, predicted, items, share, by_cell)
        for given, predicted, items, share in pairs.iter_rows()
    }
    wrong = [cell for cell in cells.values() if cell["given"] != cell["predicted"]]
    for number, cell in enumerate(cells.values()):
        cell["id"] = f"cell-{number}"
    names = files.classes or sorted({given for given, _ in cells})
    is_whole = len(names) <= WHOLE_MATRIX
    shown = list(cells.values()) if is_whole else wrong[:CONFUSED_PAIRS]
    return {
        "names": names,
        "rows": [(given, [cells.get((given, predicted)) for predicted in names]) for given in names]
        if is_whole
        else [],
        "pairs": wrong[: 8 if is_whole else CONFUSED_PAIRS],
        "popovers": [cell for cell in shown if cell["pictures"]],
        "wrong": sum(cell["items"] for cell in wrong),
        "items": int(pairs["items"].sum()),
    }


def _cell(given: str, predicted: str, items: int, share: float, by_cell: Mapping[Any, list[Item]]) -> dict[str, Any]:
    return {
        "given": given,
        "predicted": predicted,
        "items": items,
        "share": percent(share),
        # The root makes rare confusions visible beside the frequent right answers.
        "heat": round(min(90 * math.sqrt(share), 60)),
        "pictures": by_cell.get((given, predicted), []),
    }


def _items_by_cell(files: RunFiles, album: Album) -> dict[tuple[str, str], list[Item]]:
    """The items of each cell of the matrix, the surest answers first; mistakes take the budget before right answers."""
    rows = _tables.with_probability(files)
    if rows.is_empty():
        return {}
    is_right = pl.col("target") == pl.col("predicted")
    ordered = rows.with_columns(is_right.alias("right")).sort(
        ["right", "stated", "hash"], descending=[False, True, False]
    )
    kept = ordered.filter(pl.int_range(pl.len()).over("target", "predicted") < PICTURES_PER_CELL)
    if len(files.classes) > WHOLE_MATRIX:
        kept = kept.filter(~pl.col("right")).head(CONFUSED_PAIRS * PICTURES_PER_CELL)
    found: dict[tuple[str, str], list[Item]] = {}
    for row in kept.iter_rows(named=True):
        found.setdefault((row["target"], row["predicted"]), []).append(_item(row, album))
    return found


def _per_class(files: RunFiles) -> dict[str, Any]:
    rows = _tables.per_class(files)
    return {
        "worst": rows.head(WORST_CLASSES).rows(named=True),
        "rest": rows[WORST_CLASSES:MOST_CLASSES].rows(named=True),
        "left_out": max(len(rows) - MOST_CLASSES, 0),
    }


def _curves(files: RunFiles) -> list[tuple[str, Markup]]:
    """Caption and drawing of each learning curve that was recorded."""
    steps = _tables.curves(files)
    if steps.is_empty():
        return []
    metrics = [name.partition("/")[2] for name in steps.columns if name.startswith("valid/")]
    wanted = [metric for metric in ("loss", "accuracy") if metric in metrics or f"train/{metric}" in steps.columns]
    drawings = [(f"{text.metric_name(metric).capitalize()}", _figures.curve(steps, metric)) for metric in wanted]
    drawings.append(("Learning rate", _figures.rate(steps)))
    return [
        (caption, _inline(figure, f"curve-{number}", f"{caption} over the training steps"))
        for number, (caption, figure) in enumerate(drawings)
        if figure is not None
    ]


def _inline(figure: Any, name: str, description: str) -> Markup:
    # matplotlib escapes the names in it, and the description is escaped there.
    return Markup(_figures.to_inline_svg(figure, name, description))


def _reliability(files: RunFiles) -> dict[str, Any] | None:
    after, before, temperature = reliability_bins(files)
    figure = _figures.reliability(after, before)
    if figure is None:
        return None
    return {
        "figure": _inline(figure, "reliability", "Stated probability against the share that was right"),
        "after": percent(_tables.calibration_error(after)),
        "before": percent(_tables.calibration_error(before)) if len(before) else "",
        "temperature": temperature,
        "unsure_below": files.results.get("unsure_below"),
    }


def reliability_bins(files: RunFiles) -> tuple[pl.DataFrame, pl.DataFrame, float]:
    """The bins as the model answers now, those before the temperature (empty without one), and the temperature."""
    temperature = float(files.results.get("temperature") or 1.0)
    before = _tables.reliability(files, temperature) if temperature != 1.0 else pl.DataFrame()
    return _tables.reliability(files), before, temperature


def _data(files: RunFiles) -> dict[str, Any]:
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
        "classes": [
            (name, items, round(100 * items / largest, 1)) for name, items in classes.head(WORST_CLASSES).iter_rows()
        ],
        "more_classes": max(len(classes) - WORST_CLASSES, 0),
        "said": [str(line) for line in files.run.get("said") or []],
        "doubts": [str(line) for line in files.run.get("doubts") or []],
        "unreadable_count": len(unreadable) if isinstance(unreadable, list) else int(unreadable),
        "unreadable": [str(name) for name in unreadable][:50] if isinstance(unreadable, list) else [],
    }


def _cost(files: RunFiles) -> dict[str, Any]:
    """Seconds by stage with their share of all, and the sizes in people's units."""
    stages = [(str(name), float(value or 0)) for name, value in (files.run.get("seconds") or {}).items()]
    total = sum(value for _, value in stages)
    cost, deadline = files.run.get("cost") or {}, files.run.get("deadline_seconds")
    shown = {
        "parameters": (text.show_count, "parameters", "numbers the network learned"),
        "size_bytes": (show_bytes, "model file", "space the model takes on the disk"),
        "flop": (text.show_count, "operations", "additions and multiplications the training took (FLOP)"),
        "memory_bytes": (show_bytes, "memory", "the most memory in use at one time"),
    }
    facts = [(write(cost[key]), name, why) for key, (write, name, why) in shown.items() if cost.get(key)]
    return {
        "stages": [
            {"name": name, "seconds": show_seconds(value), "share": round(100 * value / total, 2) if total else 0}
            for name, value in stages
        ],
        "total": show_seconds(total) if stages else "",
        "deadline": show_seconds(float(deadline)) if deadline else "",
        "used": percent(total / float(deadline)) if deadline and stages else "",
        "facts": facts,
    }


def _again(files: RunFiles, command: list[str] | None) -> dict[str, Any]:
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
